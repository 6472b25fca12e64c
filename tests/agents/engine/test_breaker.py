from agents.engine.breaker import Breaker


def test_it_bears_as_many_refusals_as_its_limit_and_not_one_more() -> None:
    breaker: Breaker | None = Breaker(window=10, limit=2)
    for _ in range(2):
        assert breaker is not None
        breaker = breaker.refuse()
    assert breaker is not None
    assert breaker.refuse() is None


def test_refusals_beyond_the_window_are_forgotten() -> None:
    breaker = Breaker(window=10, limit=1)
    for _ in range(5):
        refused = breaker.refuse()
        assert refused is not None
        breaker = refused.passed(10)
    assert len(breaker.refused) == 1
