"""What a client wants, as it counts."""

from datetime import UTC, datetime

from schemas.client import Consent
from schemas.wishes import CONSENT_KINDS, Wishes

AT = datetime(2026, 5, 5, 12, tzinfo=UTC)


def test_with_nothing_recorded_only_service_is_allowed() -> None:
    wishes = Wishes(left=frozenset(), consents={})
    assert [kind for kind in CONSENT_KINDS if wishes.allows(kind)] == ["service"]


def test_what_is_recorded_counts() -> None:
    said = {
        "service": Consent(granted=False, source="page", at=AT),
        "story": Consent(granted=True, source="page", at=AT),
    }
    wishes = Wishes(left=frozenset(), consents=said)
    assert [kind for kind in CONSENT_KINDS if wishes.allows(kind)] == ["story"]
