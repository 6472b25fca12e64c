"""A completion that a Teachable hook claims is believed as far as Teachable's own answer goes."""

import json
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.intake.finding import Finding, Ignored
from agents.intake.teachable import translate
from agents.intake.teachable_answer import held_against, users_to_ask

FIXTURES = Path(__file__).parent / "fixtures"
HOOKS: dict[str, Any] = json.loads((FIXTURES / "teachable.json").read_text())
USER: dict[str, Any] = json.loads((FIXTURES / "teachable_user.json").read_text())
HEARD_AT = datetime(2026, 5, 8, 12, tzinfo=UTC)
ANA = 10228583
COMPLETED, LECTURE = "Enrollment.completed", "LectureProgress.created"
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner))


def hook(type_: str, /, **changes: Any) -> dict[str, Any]:
    body = deepcopy(HOOKS[type_])
    body.update({name: changes.pop(name) for name in ("hook_event_id", "created") if name in changes})
    body["object"].update(changes)
    return body


def user(course: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """Ana as Teachable shows her, with other facts of herself or of her first course."""
    shown = {**deepcopy(USER), **changes}
    if course is not None:
        shown["courses"][0].update(course)
    return shown


def read(*hooks: dict[str, Any]) -> tuple[Finding | Ignored, ...]:
    return translate("school", json.dumps(hooks).encode(), HEARD_AT)


def answered(said: Any, *hooks: dict[str, Any]) -> tuple[Finding | Ignored, ...]:
    found = read(*hooks)
    return held_against("school", found, dict.fromkeys(users_to_ask(found), said), HEARD_AT)


def reasons(found: tuple[Finding | Ignored, ...]) -> list[str]:
    return [one.reason for one in found if isinstance(one, Ignored)]


def types(found: tuple[Finding | Ignored, ...]) -> list[str]:
    return [each.type for one in found if isinstance(one, Finding) for each in one.happenings]


def test_only_a_claim_of_a_completion_makes_a_question_and_one_for_each_person() -> None:
    quiet = [hook(type_) for type_ in HOOKS if type_ not in {COMPLETED, "Comment.created"}]
    assert users_to_ask(read(*quiet)) == []
    assert users_to_ask(read(hook(COMPLETED), hook(COMPLETED, course_id=2), hook("Transaction.created"))) == [ANA]


@pytest.mark.parametrize(("percent", "is_asked"), [(99.9, False), (100, True), ("100", True)])
def test_progress_is_asked_about_where_it_completes_the_course(percent: object, is_asked: bool) -> None:
    assert (users_to_ask(read(hook(LECTURE, percent_complete=percent))) == [ANA]) is is_asked


def test_a_confirmed_completion_is_dated_by_the_answer() -> None:
    (finding,) = answered(user(), hook(COMPLETED, completed_at="2026-05-01T00:00:00Z"))
    assert isinstance(finding, Finding)
    (happening,) = finding.happenings
    assert (happening.type, happening.data.course_id) == ("course.completed", "teachable:301405")
    assert happening.occurred_at == datetime(2026, 5, 7, 12, 30, tzinfo=UTC)


def test_a_completion_that_is_claimed_again_is_the_same_event_and_after_a_new_enrollment_another() -> None:
    def id_of(said: dict[str, Any], number: int) -> str:
        (finding,) = answered(said, hook(COMPLETED, hook_event_id=number))
        assert isinstance(finding, Finding)
        return finding.happenings[0].id

    first = id_of(user(), 1)
    assert first == id_of(user({"completed_at": None}), 2)
    assert first != id_of(user({"enrolled_at": "2026-05-02T07:00:00Z"}), 1)
    assert str(ANA) not in first


def test_progress_that_completes_the_course_is_one_event_dated_by_the_answer_and_its_lessons_are_the_hooks() -> None:
    claims = [
        hook(type_, hook_event_id=number, percent_complete=100, created=f"2026-05-08T0{number}:00:00Z")
        for number, type_ in enumerate([LECTURE, LECTURE, "Enrollment.created"])
    ]
    said = [each for one in answered(user(), *claims) if isinstance(one, Finding) for each in one.happenings]
    progress = {(each.id, each.occurred_at) for each in said if each.type == "course.progressed"}
    lessons = {each.id for each in said if each.type == "lesson.completed"}
    ((_, occurred_at),) = progress
    assert occurred_at == datetime(2026, 5, 7, 12, 30, tzinfo=UTC)
    assert lessons == {"school:0:lesson.completed", "school:1:lesson.completed"}


def test_a_lesson_that_completes_the_course_is_told_with_it() -> None:
    assert types(answered(user(), hook(LECTURE, percent_complete=100))) == ["lesson.completed", "course.progressed"]


@pytest.mark.parametrize(
    "said",
    [
        None,
        user(email="somebody@example.com"),
        user(email=None),
        user(id=1),
        user({"percent_complete": 99, "completed_at": None}),
        user({"percent_complete": True, "completed_at": None}),
        user({"course_id": 2}),
        user(courses=[]),
        user(courses=None),
        {},
    ],
)
def test_what_the_answer_does_not_say_is_not_confirmed_nor_the_rest_of_its_envelope(said: Any) -> None:
    for claim in (hook(COMPLETED), hook(LECTURE, percent_complete=100)):
        found = answered(said, claim)
        assert (reasons(found), types(found)) == (["not_confirmed"], [])


@pytest.mark.parametrize("course", [{"percent_complete": 40}, {"completed_at": None}, {"is_active_enrollment": False}])
def test_a_date_or_a_full_percentage_is_enough_also_after_the_enrollment_ended(course: dict[str, Any]) -> None:
    assert types(answered(user(course), hook(COMPLETED))) == ["course.completed"]


def test_an_address_is_compared_without_regard_to_case_and_where_the_hook_names_one() -> None:
    assert types(answered(user(email=" ANA.BERGER@example.com "), hook(COMPLETED))) == ["course.completed"]
    assert types(answered(user(email=None), hook(COMPLETED, user=None))) == ["course.completed"]


@pytest.mark.parametrize("id_", [None, "me", "010228583", "10228583/../1", "9" * 40])
def test_a_user_who_cannot_be_asked_for_by_number_is_not_confirmed(id_: str | None) -> None:
    person = {**HOOKS[COMPLETED]["object"]["user"], "id": id_}
    assert reasons(answered(user(), hook(COMPLETED, user=person))) == ["not_confirmed"]


def test_one_forged_envelope_does_not_spoil_the_rest() -> None:
    forged = hook(COMPLETED, course_id=301406)
    found = answered(user(), hook("Transaction.created"), forged, hook(COMPLETED), forged)
    assert (types(found), reasons(found)) == (["purchase.completed", "course.completed"], ["not_confirmed"])


def test_a_body_makes_no_more_questions_than_a_hook_has_time_for_and_the_rest_is_not_for_asking_again() -> None:
    many = [hook(COMPLETED, user={"id": number}) for number in range(1, 31)]
    found = read(*many)
    asked = users_to_ask(found)
    assert asked == list(range(1, 21))
    users = {number: user(id=number) for number in asked}
    assert len(types(held_against("school", found, users, HEARD_AT))) == 20
    assert reasons(held_against("school", found, users, HEARD_AT)) == ["too_large"]


@given(st.dictionaries(st.sampled_from([*USER, "x"]), VALUES) | st.none(), st.lists(VALUES, max_size=3))
def test_no_answer_raises_or_confirms_by_chance(said: Any, courses: list[Any]) -> None:
    answer = None if said is None else {**USER, "courses": courses, **said}
    found = answered(answer, hook(COMPLETED))
    assert reasons(found) == ["not_confirmed"]
    assert "@" not in repr([one.detail for one in found if isinstance(one, Ignored)])
