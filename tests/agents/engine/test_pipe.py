import asyncio
from dataclasses import replace

from agents.engine.batch import Batch
from agents.engine.errors import BrokerAwayError, ReseekError, TrippedError
from agents.engine.pipe import Pipe
from tests.agents.engine.test_batch import batch


class Steps:
    """A sink and its surroundings: notes what was asked, and raises or waits when told to."""

    interruptible = False
    wants_sweep = True

    def __init__(self) -> None:
        self.taken: list[tuple[int, int]] = []
        self.ticks: list[int] = []
        self.sweeps: list[int] = []
        self.seeks: list[tuple[str, int, int]] = []
        self.failures: list[Exception] = []
        self.error: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()

    async def take(self, batch: Batch) -> None:
        await self.gate.wait()
        if self.error is not None:
            error, self.error = self.error, None
            raise error
        self.taken.append((batch.start, batch.end))

    async def tick(self, now_ms: int) -> None:
        self.ticks.append(now_ms)

    async def sweep(self, now_ms: int) -> None:
        await self.gate.wait()
        if self.error is not None:
            error, self.error = self.error, None
            raise error
        self.sweeps.append(now_ms)

    def seek(self, topic: str, partition: int, offset: int) -> None:
        self.seeks.append((topic, partition, offset))

    def wake(self) -> None:
        """Nobody fetches here."""

    def failed(self, partition: int, error: Exception) -> None:  # noqa: ARG002 - the surroundings know which
        self.failures.append(error)


def pipe(steps: Steps, position: int = 0) -> Pipe:
    made = Pipe(partition=3, positions={"t": position}, barriers={"t": 0}, sink=steps, control=steps, max_queued=2)
    made.start()
    return made


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_batches_are_taken_in_order_and_a_hole_is_asked_for_again() -> None:
    steps = Steps()
    piped = pipe(steps)
    piped.offer(batch(0, 2, 0, 1))
    piped.offer(batch(4, 6, 4, 5))
    piped.offer(batch(2, 6, 2, 3, 4, 5))
    await settled()
    assert (steps.taken, steps.seeks) == ([(0, 2), (2, 6)], [("t", 3, 2)])
    await piped.retire(1)


async def test_control_records_alone_widen_the_next_batch() -> None:
    steps = Steps()
    piped = pipe(steps)
    piped.offer(batch(0, 1))
    piped.offer(batch(1, 3, 1, 2))
    await settled()
    assert steps.taken == [(0, 3)]
    await piped.retire(1)


async def test_a_tick_waits_until_every_record_before_its_moment_has_been_applied() -> None:
    steps = Steps()
    piped = pipe(steps)
    piped.offer(batch(0, 5, 4))
    piped.tick_at(100, {"t": 10})
    await settled()
    assert steps.ticks == []
    piped.offer(batch(5, 10, 9))
    piped.tick_at(200, {"t": 10})
    await settled()
    assert steps.ticks == [200]
    await piped.retire(1)


async def test_a_later_topic_waits_until_the_earlier_one_has_reached_its_barrier() -> None:
    steps = Steps()
    piped = Pipe(
        partition=0, positions={"t": 0, "u": 0}, barriers={"t": 5, "u": 9}, sink=steps, control=steps, max_queued=2
    )
    piped.start()
    assert (piped.wants("t"), piped.wants("u")) == (True, False)
    piped.offer(batch(0, 5, 0))
    await settled()
    assert piped.wants("u")
    await piped.retire(1)


async def test_it_has_caught_up_when_what_was_there_at_the_claim_is_applied_and_not_when_it_waits() -> None:
    steps = Steps()
    steps.gate.clear()
    piped = Pipe(partition=0, positions={"t": 0}, barriers={"t": 6}, sink=steps, control=steps, max_queued=2)
    piped.start()
    piped.offer(batch(0, 5, 0))
    piped.offer(replace(batch(5, 6, 5), records=()))
    await settled()
    assert not piped.has_caught_up("t")
    steps.gate.set()
    await settled()
    assert piped.has_caught_up("t"), "what no record stands for needs no applying"
    await piped.retire(1)


async def test_it_has_caught_up_when_the_store_of_positions_says_that_all_was_applied() -> None:
    steps = Steps()
    steps.error = ReseekError(5)
    piped = Pipe(partition=0, positions={"t": 0}, barriers={"t": 5}, sink=steps, control=steps, max_queued=2)
    piped.start()
    piped.offer(batch(0, 5, 0))
    await settled()
    assert (steps.taken, piped.has_caught_up("t")) == ([], True)
    await piped.retire(1)


async def test_a_reader_ahead_of_an_idle_pipe_is_sent_back_at_the_second_look() -> None:
    steps = Steps()
    piped = pipe(steps)
    piped.look_for_losses({"t": 8})
    assert steps.seeks == []
    piped.look_for_losses({"t": 8})
    assert steps.seeks == [("t", 3, 0)]
    await piped.retire(1)


async def test_a_full_pipe_wants_nothing_and_drops_what_comes_beyond_its_limit() -> None:
    steps = Steps()
    steps.gate.clear()
    piped = pipe(steps)
    for start in range(40):
        piped.offer(batch(start, start + 1, start))
    assert not piped.wants("t")
    assert piped.taken["t"] < 40
    assert steps.seeks[-1] == ("t", 3, piped.taken["t"])
    steps.gate.set()
    await piped.retire(1)


async def test_retiring_drops_what_waits_lets_the_batch_in_flight_finish_and_takes_nothing_more() -> None:
    steps = Steps()
    steps.gate.clear()
    piped = pipe(steps)
    piped.offer(batch(0, 1, 0))
    piped.offer(batch(1, 2, 1))
    await settled()
    retiring = asyncio.create_task(piped.retire(5))
    await settled()
    steps.gate.set()
    await retiring
    piped.offer(batch(2, 3, 2))
    assert steps.taken == [(0, 1)]


async def test_a_batch_in_flight_beyond_the_bound_is_abandoned() -> None:
    steps = Steps()
    steps.gate.clear()
    piped = pipe(steps)
    piped.offer(batch(0, 1, 0))
    await settled()
    await piped.retire(0)
    assert steps.taken == []
    assert steps.failures == []


async def test_a_batch_in_flight_does_not_outlive_a_retirement_that_is_itself_cancelled() -> None:
    steps = Steps()
    steps.gate.clear()
    piped = pipe(steps)
    piped.offer(batch(0, 1, 0))
    await settled()
    retiring = asyncio.create_task(piped.retire(5))
    await settled()
    retiring.cancel()
    await settled()
    steps.gate.set()
    await settled()
    assert steps.taken == []


async def test_a_store_that_stands_elsewhere_is_followed() -> None:
    steps = Steps()
    steps.error = ReseekError(7)
    piped = pipe(steps, position=9)
    piped.offer(batch(9, 12, 9))
    await settled()
    assert (piped.taken["t"], steps.seeks) == (7, [("t", 3, 7)])
    await piped.retire(1)


async def test_a_failure_is_handed_on_and_a_trip_pauses() -> None:
    steps = Steps()
    steps.error = BrokerAwayError("away")
    failing = pipe(steps)
    failing.offer(batch(0, 1, 0))
    await settled()
    assert [str(error) for error in steps.failures] == ["away"]
    steps.error = TrippedError("too many")
    tripping = pipe(steps)
    tripping.offer(batch(0, 1, 0))
    await settled()
    assert tripping.paused
    assert not tripping.wants("t")
    assert len(steps.failures) == 1


async def test_a_sweep_takes_one_turn_and_only_when_every_record_before_its_moment_has_been_applied() -> None:
    steps = Steps()
    piped = pipe(steps)
    piped.offer(batch(0, 5, 4))
    assert not await piped.sweep(100, {"t": 5})
    await settled()
    assert not await piped.sweep(100, {"t": 6})
    assert await piped.sweep(100, {"t": 5})
    await settled()
    assert steps.sweeps == [100]
    await piped.retire(1)


async def test_a_batch_that_comes_before_a_turn_begins_goes_first_and_takes_it() -> None:
    steps = Steps()
    piped = pipe(steps)
    await settled()
    turn = asyncio.create_task(piped.sweep(100, {"t": 0}))
    await asyncio.sleep(0)
    piped.offer(batch(0, 1, 0))
    assert not await turn
    assert (steps.taken, steps.sweeps) == ([(0, 1)], [])
    await piped.retire(1)


async def test_a_batch_that_comes_during_a_sweep_is_next_and_a_closed_or_failed_pipe_keeps_nobody_waiting() -> None:
    steps = Steps()
    steps.gate.clear()
    piped = pipe(steps)
    turn = asyncio.create_task(piped.sweep(100, {}))
    await settled()
    piped.offer(batch(0, 1, 0))
    assert not piped.wants_turn
    steps.gate.set()
    assert await turn
    await settled()
    assert steps.taken == [(0, 1)]
    steps.gate.clear()
    turn = asyncio.create_task(piped.sweep(200, {}))
    await settled()
    piped.close()
    assert not await turn
    steps.gate.set()
    await piped.retire(1)
    failing = pipe(steps)
    steps.error = BrokerAwayError("away")
    assert not await failing.sweep(300, {})
    await settled()
    assert [str(error) for error in steps.failures] == ["away"]
