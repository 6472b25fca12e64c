"""Sums and watched values: what crosses a threshold, and what takes it back (paragraphs 1 and 8 of the design)."""

from datetime import datetime
from typing import Any

import msgspec
import pytest

from schemas.event import Event
from streams.tracking.state import State, decode_state, encode_state
from tests.streams.tracking.story import Story, at, event, retracted

STEPS = "{id: steps, tier: micro, when: {sum: steps.walked, of: steps, every: 1000}}"
BUYER = (
    "{id: buyer, tier: program, when: {sum: purchase.completed, of: amount_cents, reaches: [500, 900]},"
    " where: {currency: [USD]}}"
)
LIGHTER = "{id: lighter, tier: program, when: {value: weight.logged, of: kilos, falls_to: [90, 80]}}"
STRONGER = "{id: stronger, tier: program, when: {value: weight.logged, of: kilos, reaches: [82, 100]}}"


def bought(
    order: str, cents: int, when: datetime, *, currency: str = "USD", kind: str = "completed", **more: Any
) -> Event:
    return event(f"purchase.{kind}", when, order_id=order, amount_cents=cents, currency=currency, **more)


def refunded(order: str, cents: int, when: datetime, **more: Any) -> Event:
    return bought(order, cents, when, kind="refunded", **more)


def weighed(kilos: Any, when: datetime) -> Event:
    return event("weight.logged", when, kilos=kilos)


def test_1_a_sum_fires_for_every_multiple_that_it_passes_with_the_sum_as_value() -> None:
    story = Story(STEPS)
    story.tell(event("steps.walked", at(1), steps=2500), event("steps.walked", at(2), steps=499))
    assert [(m.threshold, m.value, m.occurrence) for m in story.milestones] == [
        (1000, 2500, "once"),
        (2000, 2500, "once"),
    ]
    story.tell(event("steps.walked", at(3), steps=1))
    assert story.said[2:] == ["steps 3000"]


def test_1_a_sum_that_meets_its_threshold_exactly_reaches_it() -> None:
    story = Story(BUYER)
    story.tell(bought("a", 499, at(1)))
    assert story.said == []
    story.tell(bought("b", 1, at(2)))
    assert [(m.threshold, m.value, m.facts["sum"]) for m in story.milestones] == [(500, 500, 500)]


def test_1_decimal_fractions_add_up_to_what_a_person_adds_up() -> None:
    story = Story("{id: far, tier: micro, when: {sum: run.logged, of: km, reaches: [1]}}")
    story.tell(*[event("run.logged", at(day), km=0.1) for day in range(1, 11)])
    assert [(m.threshold, m.value) for m in story.milestones] == [(1, 1)]


def test_1_a_sum_that_falls_reaches_nothing_on_its_way() -> None:
    story = Story(STEPS)
    story.tell(event("steps.walked", at(1), steps=-1500), event("steps.walked", at(2), steps=-1500))
    assert story.said == []
    story.tell(event("steps.walked", at(3), steps=4000))
    assert story.said == ["steps 1000"]


@pytest.mark.parametrize("steps", [None, "2000", True])
def test_1_what_is_no_number_adds_nothing(steps: Any) -> None:
    story = Story(STEPS)
    story.tell(event("steps.walked", at(1), steps=steps))
    assert story.said == []


def test_1_a_sum_is_of_each_per_value() -> None:
    story = Story("{id: spent, tier: micro, when: {sum: shop.visited, of: cents, per: shop, reaches: [100]}}")
    for shop, cents in (("a", 60), ("b", 60), ("a", 40)):
        story.tell(event("shop.visited", at(1), shop=shop, cents=cents))
    assert [(m.occurrence, m.value) for m in story.milestones] == [("a", 100)]


def test_1_a_value_falls_to_its_thresholds_and_never_rises_to_them() -> None:
    story = Story(LIGHTER)
    story.tell(weighed(95, at(1)))
    assert story.said == []
    story.tell(weighed(80, at(2)))
    assert [(m.threshold, m.value, m.reached_at) for m in story.milestones] == [(90, 80, at(2)), (80, 80, at(2))]
    story.tell(weighed(95, at(3)), weighed(79, at(4)))
    assert story.said == ["lighter 90", "lighter 80"]


def test_1_a_value_rises_to_its_thresholds_and_never_falls_to_them() -> None:
    story = Story(STRONGER)
    story.tell(weighed(120, at(1)), weighed(81, at(2)), weighed(82, at(3)), weighed(99.5, at(4)))
    assert [(m.threshold, m.value, m.reached_at) for m in story.milestones] == [(82, 82, at(3))]


@pytest.mark.parametrize("first", [70, 80, 80.0])
def test_1_the_first_value_crosses_nothing(first: float) -> None:
    story = Story(LIGHTER)
    story.tell(weighed(first, at(1)), weighed(first, at(2)))
    assert story.said == []


def test_1_a_threshold_is_met_by_equality_only_from_the_far_side() -> None:
    story = Story(LIGHTER)
    story.tell(weighed(80.1, at(1)), weighed(80.0, at(2)))
    assert [(m.threshold, m.value) for m in story.milestones] == [(80, 80)]


def test_1_a_threshold_of_zero_and_below_is_a_threshold() -> None:
    story = Story("{id: thaw, tier: micro, when: {value: cold.felt, of: degrees, reaches: [-5, 0]}}")
    story.tell(*[event("cold.felt", at(day), degrees=degrees) for day, degrees in enumerate((-9, -5, 0), 1)])
    assert story.said == ["thaw -5", "thaw 0"]


def test_1_a_measurement_of_before_completes_a_crossing_at_its_own_time() -> None:
    story = Story(LIGHTER)
    story.tell(weighed(85, at(5)), weighed(95, at(2)), now=at(6))
    assert [(m.threshold, m.value, m.reached_at) for m in story.milestones] == [(90, 85, at(5))]


def test_1_what_is_measured_late_crosses_nothing_that_was_measured_after_it() -> None:
    """Also when the mark no longer keeps the later, lower one, of which only the lowest stays known."""
    story = Story(STRONGER)
    story.tell(weighed(80, at(5)), *[weighed(95, at(3, hour)) for hour in range(1, 10)], now=at(6))
    assert story.said == []
    story.tell(weighed(96, at(6)), now=at(6))
    assert [(m.threshold, m.value, m.reached_at) for m in story.milestones] == [(82, 96, at(6))]


def test_1_the_lowest_of_the_forgotten_is_what_a_later_measurement_came_from() -> None:
    story = Story(STRONGER)
    story.tell(weighed(90, at(1)), weighed(70, at(2)), *[weighed(90, at(1, hour)) for hour in range(1, 10)])
    assert story.said == []
    story.tell(weighed(90, at(3)))
    assert [(m.threshold, m.reached_at) for m in story.milestones] == [(82, at(3))]


def test_1_the_lowest_that_an_earlier_build_kept_without_its_time_is_read_and_not_used() -> None:
    story = Story(STRONGER)
    story.tell(*[weighed(90, at(1, hour)) for hour in range(1, 10)])
    before = story.state or State()
    marks = {counter: msgspec.structs.replace(mark, lowest=70) for counter, mark in before.marks.items()}
    story.state = decode_state(encode_state(msgspec.structs.replace(before, marks=marks)), "t1/c1")
    story.tell(weighed(91, at(2)))
    assert story.said == []


def test_1_values_are_of_each_per_value() -> None:
    story = Story("{id: it, tier: micro, when: {value: lift.done, of: kilos, per: lift, reaches: [100]}}")
    for day, (lift, kilos) in enumerate([("squat", 90), ("press", 100), ("squat", 100)], start=1):
        story.tell(event("lift.done", at(day), lift=lift, kilos=kilos))
    assert [(m.occurrence, m.value) for m in story.milestones] == [("squat", 100)]


def test_1_two_rules_of_one_value_may_look_both_ways() -> None:
    story = Story(LIGHTER, STRONGER)
    story.tell(weighed(81, at(1)), weighed(82, at(2)), weighed(80, at(3)))
    assert story.said == ["stronger 82", "lighter 80"]


def test_8_a_refund_takes_its_own_amount_and_the_threshold_with_it() -> None:
    story = Story(BUYER)
    story.tell(bought("a", 600, at(1)), refunded("a", 100, at(2)))
    assert story.heard() == ["buyer 500"]
    story.tell(refunded("a", 1, at(3)))
    assert (story.heard(), story.milestones[-1].value) == (["-buyer 500"], 499)
    story.tell(bought("b", 400, at(4)))
    assert (story.heard(), story.milestones[-1].value) == (["buyer 500 r2"], 899)


def test_8_refunds_of_one_order_add_up_and_one_event_counts_once() -> None:
    story = Story(BUYER)
    story.tell(bought("a", 700, at(1)), refunded("a", 100, at(2), named="r"))
    assert story.tell(refunded("a", 100, at(2), named="r")).outcome == "duplicate"
    assert story.said == ["buyer 500"]
    story.tell(refunded("a", 101, at(2), named="s"))
    assert story.said == ["buyer 500", "-buyer 500"]


def test_8_a_refund_that_overtakes_its_purchase_is_taken_off_it() -> None:
    story = Story(BUYER)
    story.tell(refunded("a", 101, at(2)), bought("a", 600, at(1)), now=at(2))
    assert story.said == []
    story.tell(bought("b", 1, at(3)))
    assert [(m.threshold, m.value) for m in story.milestones] == [(500, 500)]


def test_8_a_refund_in_another_currency_is_no_business_of_the_rule() -> None:
    story = Story(BUYER)
    story.tell(bought("a", 500, at(1)))
    story.tell(refunded("a", 500, at(2), currency="EUR"), bought("b", 900, at(3), currency="EUR"))
    assert story.said == ["buyer 500"]


def test_8_a_refund_does_not_count_as_a_purchase_less() -> None:
    story = Story("{id: orders, tier: micro, when: {count: purchase.completed, reaches: [1]}}", BUYER)
    story.tell(bought("a", 100, at(1)), refunded("a", 100, at(2)))
    assert story.said == ["orders 1"]


def test_8_a_retracted_purchase_takes_its_amount_and_a_retracted_refund_gives_it_back() -> None:
    story = Story(BUYER)
    first, back = bought("a", 500, at(1)), refunded("a", 1, at(2))
    story.tell(first, back, retracted(back, at(3)))
    assert story.said == ["buyer 500", "-buyer 500", "buyer 500 r2"]
    story.tell(retracted(first, at(4)))
    assert (story.said[3:], story.milestones[-1].value) == (["-buyer 500 r2"], 0)
    assert story.state is not None
    assert story.state.amounts == {}


def test_8_a_second_report_of_an_order_stands_in_for_a_retracted_first_with_its_own_amount() -> None:
    story = Story(BUYER)
    tool, platform = bought("a", 900, at(1), named="tool"), bought("a", 500, at(2), named="platform")
    story.tell(tool, platform)
    assert story.heard() == ["buyer 500", "buyer 900"]
    story.tell(retracted(tool, at(3)))
    assert (story.heard(), story.milestones[-1].value) == (["-buyer 900"], 500)


def test_8_a_retracted_measurement_takes_back_what_it_crossed_and_leaves_the_others() -> None:
    story = Story(LIGHTER)
    slip = weighed(79, at(3))
    story.tell(weighed(95, at(1)), weighed(89, at(2)), slip, retracted(slip, at(4)))
    assert story.said == ["lighter 90", "lighter 80", "-lighter 80"]
    assert (story.milestones[-1].value, story.milestones[-1].reached_at) == (89, at(4))


def test_8_what_is_withdrawn_of_a_value_tells_the_latest_that_is_left() -> None:
    story = Story(LIGHTER)
    slip = weighed(79, at(3))
    story.tell(weighed(95, at(1)), weighed(85, at(2)), slip, weighed(99, at(4)), retracted(slip, at(5)))
    assert (story.said, story.milestones[-1].value) == (["lighter 90", "lighter 80", "-lighter 80"], 99)


def test_8_the_lowest_of_all_that_left_is_remembered_whatever_its_time() -> None:
    story = Story(STRONGER)
    story.tell(weighed(80, at(5)), weighed(95, at(3)), *[weighed(70, at(2)) for _ in range(9)], now=at(9))
    assert story.said == ["stronger 82"]


def test_8_a_retracted_first_measurement_leaves_nothing_that_was_crossed_from_it() -> None:
    story = Story(STRONGER)
    first = weighed(80, at(1))
    story.tell(first, weighed(83, at(2)), retracted(first, at(3)))
    assert story.said == ["stronger 82", "-stronger 82"]


def test_8_a_measurement_is_kept_for_the_eight_that_follow_and_then_stands() -> None:
    story = Story(STRONGER)
    low, high = weighed(80, at(1)), weighed(83, at(2))
    story.tell(low, high, *[weighed(70, at(day)) for day in range(3, 10)])
    story.tell(retracted(high, at(10)))
    assert story.said == ["stronger 82", "-stronger 82"]
    other = Story(STRONGER)
    other.tell(low, high, *[weighed(70, at(day)) for day in range(3, 20)])
    other.tell(retracted(high, at(20)), weighed(90, at(21)))
    assert other.said == ["stronger 82"]


def test_8_what_is_kept_of_the_merged_outlasts_a_retraction_and_what_follows_it() -> None:
    story = Story(STRONGER)
    last = weighed(70, at(19))
    story.tell(weighed(80, at(1)), weighed(83, at(2)), *[weighed(70, at(day)) for day in range(3, 19)], last)
    story.tell(retracted(last, at(20)), weighed(75, at(21)), weighed(90, at(22)))
    assert story.said == ["stronger 82"]


def test_8_where_no_measurement_is_left_the_value_is_zero() -> None:
    story = Story(STRONGER)
    others = [weighed(70, at(day)) for day in range(2, 9)]
    high = weighed(83, at(9))
    story.tell(weighed(80, at(1)), *others, high, *[retracted(each, at(10)) for each in (*others, high)])
    assert [(m.type, m.value) for m in story.milestones] == [("milestone.reached", 83), ("milestone.retracted", 0)]


def test_8_a_value_that_left_the_kept_ones_still_says_that_the_client_was_below() -> None:
    story = Story(STRONGER)
    story.tell(weighed(80, at(1)), *[weighed(200, at(day)) for day in range(2, 13)])
    assert story.said == ["stronger 82", "stronger 100"]
    other = Story(STRONGER)
    other.tell(weighed(99, at(1)), *[weighed(95, at(day)) for day in range(2, 13)], weighed(100, at(13)))
    assert other.said == ["stronger 100"]
