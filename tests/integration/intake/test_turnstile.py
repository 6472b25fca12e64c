"""What one tenant may take of the intake, and that nobody else waits for it."""

import asyncio
import itertools
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlsplit

import pytest

from agents.intake import hooks
from agents.intake.desk import Desk
from agents.intake.finding import Finding, Ignored
from agents.intake.hook_source import Place
from agents.intake.kept_hooks import KeptHooks
from agents.intake.secrecy import Secrecy
from agents.intake.served import Door, Served
from agents.intake.turnstile import HookLimits, TooMuchInHand, Turnstile
from agents.intake.vendor_hooks import StandardHooks
from demo.vendors.habits import signed_webhook
from tests.integration.intake.asked_school import TEACHABLE, School, completed, tagged
from tests.integration.intake.stage import IDENTITY_KEY, WEBHOOK_SECRET, Stage, checked, serve, served_by, until
from tests.integration.intake.test_source_health import told


async def bring(stage: Stage, url: str, tenant: str, number: int) -> tuple[int, str | None]:
    body, headers = signed_webhook(WEBHOOK_SECRET, f"msg_{number}", checked({"id": "ana"}, habit=f"h{number}"))
    async with stage.session.post(f"{url}/hooks/{tenant}/tracker/s", data=body, headers=headers) as answer:
        return answer.status, answer.headers.get("Retry-After")


def receiver_for(stage: Stage, limits: HookLimits, **sources: StandardHooks) -> hooks.Hooks:
    served = served_by(*(Door(tenant=tenant, source=source, secrets=("s",)) for tenant, source in sources.items()))
    desk = Desk(stage.intake.admission)
    kept = KeptHooks(stage.pool, stage.config.queries, stage.config.clock, desk, Secrecy(IDENTITY_KEY), Served)
    return hooks.Hooks(
        lambda: served, desk=desk, kept=kept, clock=stage.config.clock, limits=limits, body_seconds=600.0
    )


async def test_a_tenant_that_floods_is_told_to_come_again_and_what_is_unsigned_counts_for_nothing(stage: Stage) -> None:
    source = StandardHooks("tracker", (WEBHOOK_SECRET,))
    receiver = receiver_for(stage, HookLimits(per_second=3), **{stage.tenant: source})
    async with serve(receiver.routes()) as url:
        for _ in range(9):
            async with stage.session.post(f"{url}/hooks/{stage.tenant}/tracker/s", data=b"{}") as answer:
                assert answer.status == 401
        flood = await asyncio.gather(*(bring(stage, url, stage.tenant, number) for number in range(60)))
    assert {status for status, _ in flood} == {202, 429}
    assert {again for status, again in flood if status == 429} == {"1"}
    assert len(await stage.events()) == sum(status == 202 for status, _ in flood)


async def test_hooks_that_are_stuck_fill_their_own_tenants_places_and_no_others(stage: Stage) -> None:
    free = asyncio.Event()

    class Stuck(StandardHooks):
        async def read(
            self, headers: Mapping[str, str], body: bytes, heard_at: datetime, asking: Place
        ) -> tuple[Finding | Ignored, ...]:
            await free.wait()
            return await super().read(headers, body, heard_at, asking)

    other = f"{stage.tenant}b"
    sources = {stage.tenant: Stuck("tracker", (WEBHOOK_SECRET,)), other: StandardHooks("tracker", (WEBHOOK_SECRET,))}
    receiver = receiver_for(stage, HookLimits(at_once=1, in_hand=9), **sources)
    async with serve(receiver.routes()) as url:
        stuck = [asyncio.create_task(bring(stage, url, stage.tenant, number)) for number in range(30)]
        await until(lambda: sum(task.done() for task in stuck) >= 21)  # one in work, eight that wait for its place
        assert {task.result()[0] for task in stuck if task.done()} == {429}
        assert (await bring(stage, url, other, 100))[0] == 202
        free.set()
        answers = [status for status, _ in await asyncio.gather(*stuck)]
    assert answers.count(429) == 21
    assert answers.count(202) >= 1


def test_bodies_in_hand_are_limited_by_what_has_come_of_them() -> None:
    turnstile = Turnstile(HookLimits(in_hand_bytes=100))
    with turnstile.body("heavy") as comes, turnstile.body("heavy") as second, turnstile.body("other") as others:
        comes(30)
        comes(30)
        with pytest.raises(TooMuchInHand):
            second(41)
        second(40)
        others(100)
    with turnstile.body("heavy") as comes:
        comes(100)


@pytest.mark.parametrize("length", [b"Content-Length: 1048576", b"Transfer-Encoding: chunked"])
async def test_bodies_that_come_slowly_fill_their_own_tenants_room_and_no_others(stage: Stage, length: bytes) -> None:
    other = f"{stage.tenant}b"
    sources = {tenant: StandardHooks("tracker", (WEBHOOK_SECRET,)) for tenant in (stage.tenant, other)}
    receiver = receiver_for(stage, HookLimits(in_hand_bytes=4 * hooks.MAX_BODY_BYTES), **sources)
    async with serve(receiver.routes()) as url:
        numbers = itertools.count()

        async def bring_until(status: int) -> str | None:
            async with asyncio.timeout(60):
                while (answer := await bring(stage, url, stage.tenant, next(numbers)))[0] != status:
                    pass
            return answer[1]

        head = b"POST /hooks/%s/tracker/s HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n" % (stage.tenant.encode(), length)
        head += b"" if b"Length" in length else b"100000\r\n"  # a chunk of a MiB, of which the last byte does not come
        head += bytes(hooks.MAX_BODY_BYTES - 1)
        slow = [await asyncio.open_connection(urlsplit(url).hostname, urlsplit(url).port) for _ in range(9)]
        for _, writer in slow:
            writer.write(head)
        assert await bring_until(429) == "1"
        reading = [asyncio.create_task(reader.readline()) for reader, _ in slow]
        await until(lambda: sum(task.done() for task in reading) >= 5)
        assert {task.result() for task in reading if task.done()} == {b"HTTP/1.1 429 Too Many Requests\r\n"}
        assert sum(task.done() for task in reading) == 5, "four have all the room that there is"
        assert (await bring(stage, url, other, 0))[0] == 202
        for _, writer in slow:
            writer.close()
        await asyncio.gather(*reading, return_exceptions=True)
        await bring_until(202)


async def test_claims_that_wait_for_their_tool_take_no_place_from_others_and_are_kept_beyond_their_own(
    asked_school: School,
) -> None:
    asked_school.teachable.answers.clear()
    claims = [
        asyncio.create_task(asked_school.post("school", completed(hook_event_id=f"claim-{number}")))
        for number in range(20)
    ]
    try:
        await until(lambda: sum(claim.done() for claim in claims) >= 17)
        await asked_school.post("school", TEACHABLE["LectureProgress.created"])
        await asked_school.post("kajabi", tagged(name="Started"))
        assert await asked_school.kept() == 17, "the others still ask"
        assert sorted(await asked_school.types()) == ["course.progressed", "lesson.completed", "program.enrolled"]
    finally:
        asked_school.teachable.answers.set()
    await asyncio.gather(*claims)
    await asked_school.read_what_was_kept()
    claimed = {event.id for event in await asked_school.stage.events() if event.type == "course.completed"}
    assert (len(claimed), await asked_school.reasons()) == (1, [])
    assert (await told(asked_school.stage, "school", accepted=21)).failed == 0, "to have to wait is no failure"


async def test_what_claims_nothing_does_not_wait_where_there_is_no_place_to_ask(asked_school: School) -> None:
    asked_school.teachable.answers.clear()
    claims = [asyncio.create_task(asked_school.post("school", completed(hook_event_id=f"c-{one}"))) for one in range(3)]
    try:
        await until(lambda: asked_school.teachable.requests == 3)
        await asked_school.post("school", [completed(hook_event_id="c-4"), TEACHABLE["Transaction.created"]])
        assert await asked_school.types() == ["purchase.completed"]
    finally:
        asked_school.teachable.answers.set()
    await asyncio.gather(*claims)


async def test_acuitys_hooks_that_wait_for_it_are_kept_beyond_their_places(stage: Stage) -> None:
    stage.acuity.faults.extend([503] * 200)
    hooks_at_once = [stage.post("acuity", *stage.acuity.signed_hook("scheduled", number)) for number in range(40)]
    assert set(await asyncio.gather(*hooks_at_once)) == {202}
    assert await stage.pool.fetchval("SELECT count(*) FROM kept_hooks") == 40
