"""What a person does at the vendor, step by step, in the order of doing."""

from typing import Final

from schemas.tenant import Source

_BY_HAND: Final = (
    "Give the tool the address above and the signing key {name}.key. One that this command makes is shown once, "
    "as it is made; where it is lost, `--rotate` makes another."
)
_STEPS: Final[dict[str, tuple[str, ...]]] = {
    "acuity": (
        "In Acuity: Integrations, API: copy the user id to tenant.yaml and the API key to the secret file {name}.key.",
        "Where several administrators have API keys: a line each, the main administrator's first.",
        "This command makes the hooks. By hand: Integrations, Webhooks, for scheduled, rescheduled, canceled, changed.",
    ),
    "calendly": (
        "In Calendly, as owner or administrator: Integrations, API and webhooks: make a personal access token.",
        "Write it to the secret file {name}.token.",
        "This command makes the subscription for the whole organisation, signed with the key in {name}.key.",
    ),
    "thinkific": (
        "In Thinkific: Settings, Code & analytics, API: write an API access token to the secret file {name}.token.",
        "Write the API key (of an app: its client secret), by which hooks are signed, to the secret file {name}.key.",
        "This command makes a webhook for each topic. Those that are made on Thinkific's page are not signed.",
    ),
    "kajabi": (
        (
            "With Kajabi's public API: POST https://api.kajabi.com/v1/hooks with `event`, `target_url` "
            "(the address above) and your site, for each of tag_added, tag_removed, payment_succeeded, form_submission."
        ),
        (
            "Without it: Settings, Third-party integrations and webhooks: the address above for Payment Succeeded and "
            "Form Submission. Such hooks never tell a tag. Take the payments from one of the two, not from both."
        ),
        "To have completions asked back: Settings, Public API: make a key with the right to read contacts.",
        "Write its client id and secret to the secret files {name}.client_id and {name}.client_secret.",
        "Add a tag that tenant.yaml maps to a contact of your own, and remove it.",
    ),
    "teachable": (
        "In Teachable: Settings, Webhooks: add the address above for each event that docs/connect.md names.",
        "To have completions asked back: make an API key of the school and write it to the secret file {name}.key.",
    ),
    "habit_pull": (
        "Nothing is sent to us: the tool is asked once a day. Write its bearer token to the secret file {name}.key.",
    ),
}


def steps_for(source: Source) -> tuple[str, ...]:
    """A sentence for each step; a kind that is not known here is connected by hand."""
    return tuple(step.format(name=source.name) for step in _STEPS.get(source.kind, (_BY_HAND,)))
