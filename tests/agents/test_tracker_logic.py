"""What the tracker hands to the engine: records in, milestone records out, every outcome counted."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import msgspec

from agents.engine.logic import Headers
from agents.tracker_logic import TrackerLogic, TrackerRules
from schemas.milestone_codec import decode_milestone
from schemas.rulebook import load_rulebook
from schemas.topics import CLIENTS, EVENTS, MILESTONES
from streams.tracking.compiling import compile_rulebook
from streams.tracking.instants import to_ms
from streams.tracking.plan import Plan
from tests.streams.tracking.story import GOALS, SESSIONS, at, plan_of

RULES = TrackerRules(default=plan_of(GOALS, SESSIONS), by_tenant={"quiet": plan_of(SESSIONS)})
STARTER = Path(__file__).parents[2] / "deploy" / "rulebooks" / "starter.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A record as the engine hands it on."""

    key: bytes | None
    value: bytes | None
    offset: int = 0
    timestamp: int = to_ms(at(9))
    timestamp_type: int | None = 1
    headers: Headers = ()


def goal(client: str = "c1", *, tenant: str = "t1", goal_id: str = "g", **data: object) -> Given:
    wire = {
        "id": f"e-{goal_id}", "source": "app", "type": "goal.completed", "subject": client, "tenantid": tenant,
        "time": at(5), "data": {"goal_id": goal_id, **data},
    }  # fmt: skip
    return Given(key=f"{tenant}/{client}".encode(), value=msgspec.json.encode(wire))


def fold(logic: TrackerLogic, record: Given, *, topic: str = EVENTS, state: object = None) -> object:
    return logic.fold(state, topic, record, to_ms(at(9)), RULES)


def test_an_event_becomes_a_milestone_record_under_the_same_key() -> None:
    logic = TrackerLogic()
    folded = fold(logic, goal())
    (output,) = folded.outputs
    assert (output.topic, output.key) == (MILESTONES, b"t1/c1")
    assert decode_milestone(output.headers, output.value).rule == "goals"
    assert logic.decode(b"t1/c1", logic.encode(folded.state)) == folded.state
    assert logic.tally.outcomes == {(EVENTS, "late"): 1}
    assert logic.tally.milestones == {("micro", "reached"): 1}


def test_each_tenant_has_its_own_rulebook() -> None:
    folded = fold(TrackerLogic(), goal(tenant="quiet"))
    assert folded.outputs == ()
    assert folded.state.counts == {"g": 1}


def test_a_duplicate_leaves_the_very_same_state() -> None:
    logic = TrackerLogic()
    state = fold(logic, goal()).state
    assert fold(logic, goal(), state=state).state is state
    assert logic.tally.outcomes[EVENTS, "duplicate"] == 1


def test_by_the_brokers_time_alone_an_event_comes_from_too_far_ahead() -> None:
    logic = TrackerLogic()
    by_a_clock_that_is_ahead = to_ms(at(9)) + 600_000
    for minutes, reason in ((0, None), (1, "time_in_future")):
        wire = msgspec.json.decode(goal().value) | {"time": at(9) + timedelta(hours=24, minutes=minutes)}
        record = Given(key=b"t1/c1", value=msgspec.json.encode(wire))
        folded = logic.fold(None, EVENTS, record, by_a_clock_that_is_ahead, RULES)
        assert (folded.refusal and folded.refusal.reason) == reason


def test_what_is_refused_keeps_the_state_and_is_counted_by_reason() -> None:
    logic = TrackerLogic()
    state = fold(logic, goal()).state
    for record, reason in (
        (Given(key=b"t1/c1", value=b"nonsense"), "not_json"),
        (Given(key=b"t1/c2", value=goal().value), "wrong_key"),
        (Given(key=None, value=goal().value), "wrong_key"),
    ):
        folded = fold(logic, record, state=state)
        assert (folded.state, folded.refusal.reason, folded.outputs) == (state, reason, ())
    beyond = msgspec.json.decode(goal(goal_id="h").value) | {"time": at(9) + timedelta(hours=25)}
    early = fold(logic, Given(key=b"t1/c1", value=msgspec.json.encode(beyond)), state=state)
    assert early.refusal.reason == "time_in_future"
    assert logic.tally.refusals == {"not_json": 1, "wrong_key": 2, "time_in_future": 1}


def test_dropped_fields_are_counted() -> None:
    logic = TrackerLogic()
    assert fold(logic, goal(kind="enormous", title=5)).refusal is None
    assert logic.tally.dropped_fields == {EVENTS: 2}


def test_a_profile_is_tracked_and_a_tombstone_erases_for_good() -> None:
    logic = TrackerLogic()
    profile = Given(key=b"t1/c1", value=b'{"name":"Ann","timezone":"Asia/Tokyo"}')
    state = fold(logic, profile, topic=CLIENTS).state
    assert state.profile.timezone == "Asia/Tokyo"
    state = fold(logic, Given(key=b"t1/c1", value=None), topic=CLIENTS, state=state).state
    assert (state.profile, state.erased_ms) == (None, to_ms(at(9)))
    after = fold(logic, goal(), state=state)
    assert (after.state, after.outputs) == (state, ())
    assert logic.tally.outcomes == {(CLIENTS, "applied"): 2, (EVENTS, "unused"): 1}


def test_a_profile_that_is_wrong_or_of_nobody_is_refused() -> None:
    logic = TrackerLogic()
    wrong = fold(logic, Given(key=b"t1/c1", value=b'{"timezone":"Mars"}'), topic=CLIENTS)
    nobody = [fold(logic, Given(key=key, value=b"{}"), topic=CLIENTS) for key in (None, b"c1", b"\xff/a", b"a/b/c")]
    assert (wrong.state, wrong.refusal.reason) == (None, "wrong_profile")
    assert {folded.refusal.reason for folded in nobody} == {"wrong_key"}


def test_time_alone_makes_a_milestone_of_a_booking() -> None:
    logic = TrackerLogic()
    wire = {
        "id": "b", "source": "app", "type": "session.booked", "subject": "c1", "tenantid": "t1", "time": at(1),
        "data": {"session_id": "s", "starts_at": at(2), "ends_at": at(2, 9)},
    }  # fmt: skip
    state = fold(logic, Given(key=b"t1/c1", value=msgspec.json.encode(wire))).state
    due_ms = logic.next_deadline(state)
    assert due_ms == to_ms(at(2, 11))
    state, (output,) = logic.tick(state, due_ms, RULES)
    assert (output.key, logic.next_deadline(state)) == (b"t1/c1", None)


def test_the_starter_compiles() -> None:
    plan = compile_rulebook(load_rulebook(STARTER.read_text(encoding="utf-8"), "starter.yaml"))
    assert isinstance(plan, Plan)
