from agents.engine.logic import Rules


def behind(versions: dict[str, int], used: dict[str, int]) -> tuple[str, ...]:
    return Rules(versions=versions, value=None).behind(used)


def test_rules_are_behind_when_one_part_is_even_if_another_has_grown() -> None:
    assert behind({"a": 3, "b": 2}, {"a": 2, "b": 3}) == ("b",)


def test_a_part_that_came_or_went_holds_nobody_up() -> None:
    assert behind({"new": 1}, {"gone": 9}) == ()
