"""Refusals: why a record goes to the dead letters instead of into a client's state.

`REFUSAL_REASONS` is closed, because a reason becomes a metric label: a new one is added here and
nowhere else. The detail is for the person who repairs the sender; it names fields and
types and never repeats contact data.
"""

REFUSAL_REASONS: frozenset[str] = frozenset(
    {
        "too_large",  # more bytes than an event may have
        "not_json",  # not UTF-8 JSON, or not an object
        "too_deep",  # nested beyond what a decoder will follow
        "text_with_nul",  # U+0000, which no database stores
        "wrong_content_type",  # neither structured nor binary CloudEvents
        "missing_subject",  # nobody to count it for
        "wrong_envelope",  # a required CloudEvents attribute is missing or wrong
        "wrong_data",  # a required field of the type's data is missing or wrong
        "wrong_profile",  # a client profile with a wrong field
        "wrong_milestone",  # a milestone record that is none
        "wrong_key",  # the record's key is not its tenant/client
        "unknown_tenant",  # a milestone of a tenant without a folder
        "unusable",  # a readable record that could not be applied
        "time_out_of_range",  # before 1970 or after 2199
        "time_in_future",  # more than 24 h after the tracker's clock
        "day_out_of_range",  # a local date that cannot belong to the event's time
    }
)
"""Every reason there is."""


class Refused(ValueError):
    """A record that is not applied.

    Attributes:
        reason: one of `REFUSAL_REASONS`.
        detail: which field is at fault and what it should have been.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
