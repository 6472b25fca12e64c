"""A milestone has one identity, whoever computes it."""

from schemas.milestone import milestone_id


def identity(**changed: object) -> str:
    parts = {"tenant": "t", "client": "c", "rule": "r", "threshold": 36, "occurrence": "once", **changed}
    return milestone_id(**parts)  # type: ignore[arg-type] # the parts are checked by the calls below


def test_the_identity_is_frozen() -> None:
    assert identity() == "af29f4382110162eb5b340a469cdecf6"


def test_each_part_counts_and_none_runs_into_its_neighbour() -> None:
    found = {identity(), identity(tenant="tc", client=""), identity(client="cr", rule=""), identity(threshold=None),
             identity(threshold=37), identity(occurrence="x"), identity(threshold=36.5),
             identity(threshold=1_234_567), identity(threshold=1_234_568)}  # fmt: skip
    assert len(found) == 9


def test_36_and_36_0_are_one_threshold() -> None:
    assert identity(threshold=36.0) == identity()
