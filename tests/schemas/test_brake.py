"""How far a restore of the ledger reaches."""

from datetime import timedelta

import pytest

from schemas.brake import Recovery, recovered_because
from tests.streams.planning.planning_cases import NOON

_EARLIER = NOON - timedelta(milliseconds=1)
_ALL = Recovery(lost_at=NOON, reason="the disk broke")
_OTHERS = Recovery(tenant="another", lost_at=NOON, reason="theirs alone")
_OWN = Recovery(tenant="northstar", lost_at=NOON + timedelta(hours=1), reason="ours alone")


@pytest.mark.parametrize(
    ("recoveries", "heard_at", "reason"),
    [
        ((), _EARLIER, None),
        ((_ALL,), _EARLIER, "the disk broke"),
        ((_ALL,), NOON, None),
        ((_OTHERS,), _EARLIER, None),
        ((_OTHERS, _OWN), _EARLIER, "ours alone"),
        ((_ALL, _OWN), NOON, "ours alone"),
    ],
)
def test_what_was_heard_before_the_loss_is_held(
    recoveries: tuple[Recovery, ...], heard_at: object, reason: str | None
) -> None:
    assert recovered_because(recoveries, tenant="northstar", heard_at=heard_at) == reason
