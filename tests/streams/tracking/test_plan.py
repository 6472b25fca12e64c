"""What a plan says about the rulebook that it was made of."""

from tests.streams.tracking.story import GOALS, SESSIONS, plan_of


def test_a_stamp_is_the_beginning_of_the_digest_and_changes_with_what_the_rulebook_means() -> None:
    plan = plan_of(GOALS, SESSIONS)
    assert len(plan.stamp) == 4
    assert plan.digest.startswith(plan.stamp.hex())
    assert plan_of(GOALS, SESSIONS).stamp == plan.stamp != plan_of(GOALS).stamp
