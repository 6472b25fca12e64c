"""The tool that must be asked about a claim is away, refuses us, or said no: the claim is not lost."""

import asyncio

import pytest
from structlog.testing import capture_logs

from agents.dead_letters import read_dead_letters
from tests.integration.commands import cairn
from tests.integration.intake.asked_school import ANA, KEY, SECRET, TEACHABLE, School, completed, tagged
from tests.integration.intake.test_source_health import told


@pytest.mark.parametrize("source", ["school", "kajabi"])
async def test_while_the_tool_is_away_a_claim_is_kept_sealed_and_read_when_it_is_back(
    asked_school: School, source: str
) -> None:
    server = asked_school.teachable if source == "school" else asked_school.kajabi
    server.faults.extend([503] * 3)
    await asked_school.post(source, [completed()] if source == "school" else tagged())
    assert (await asked_school.types(), await asked_school.reasons(), await asked_school.kept()) == ([], [], 1)
    row = await asked_school.stage.pool.fetchrow("SELECT * FROM kept_hooks")
    assert not any(word in row["body"].lower() for word in (b"ana", b"sample", b"example.com"))
    await asked_school.read_what_was_kept()
    assert (await asked_school.types(), await asked_school.reasons()) == (["course.completed"], [])


async def test_a_claim_that_waits_holds_back_nothing_else_of_its_hook(asked_school: School) -> None:
    payment, withdrawn = TEACHABLE["Transaction.created"], TEACHABLE["User.unsubscribe_from_marketing_emails"]
    strange = {**payment, "hook_event_id": 1, "object": {**payment["object"], "currency": "€"}}
    asked_school.teachable.faults.extend([503] * 3)
    await asked_school.post("school", [completed(), strange, {"type": "Sale.created"}, payment, withdrawn])
    assert (await asked_school.types(), await asked_school.reasons(), await asked_school.kept()) == (
        ["purchase.completed"],
        [],
        1,
    )
    profile = (await asked_school.stage.profiles())[-1][1]
    assert profile is not None
    assert not profile.consents["marketing"].granted
    await asked_school.read_what_was_kept()
    events = await asked_school.stage.events()
    assert {event.type for event in events} == {"purchase.completed", "course.completed"}
    assert len({event.id for event in events}) == 2
    assert sorted(await asked_school.reasons()) == ["wrong_data", "wrong_envelope"]


async def test_what_a_kept_hook_says_is_dated_by_its_receipt_and_not_by_its_reading(asked_school: School) -> None:
    asked_school.kajabi.page = "<html>We are back soon</html>"
    began_at = asked_school.stage.config.clock.now()
    await asked_school.post("kajabi", tagged())
    ended_at = asked_school.stage.config.clock.now()
    asked_school.kajabi.page = None
    await asked_school.read_what_was_kept()
    (event,) = await asked_school.stage.events()
    assert event.type == "course.completed"
    assert began_at <= event.occurred_at == event.received_at <= ended_at


async def test_a_forged_claim_gains_nothing_by_coming_while_the_tool_is_away(asked_school: School) -> None:
    asked_school.teachable.page = asked_school.kajabi.page = "<html>We are back soon</html>"
    await asked_school.post("school", completed(course_id=1))
    await asked_school.post("kajabi", tagged(name="Launched"))
    assert await asked_school.kept() == 2
    asked_school.teachable.page = asked_school.kajabi.page = None
    await asked_school.read_what_was_kept()
    assert (await asked_school.types(), await asked_school.reasons()) == ([], ["not_confirmed"] * 2)


async def test_a_tool_that_asks_for_time_is_given_it(asked_school: School) -> None:
    asked_school.teachable.faults.append(429)
    asked_school.teachable.retry_after = "600"
    await asked_school.post("school", completed())
    wait = await asked_school.stage.pool.fetchval("SELECT due_at - now() FROM kept_hooks")
    assert 500 < wait.total_seconds() <= 600


async def test_the_same_claim_again_is_kept_once(asked_school: School) -> None:
    asked_school.teachable.page = "<html>"
    for _ in range(3):
        await asked_school.post("school", completed())
    assert await asked_school.kept() == 1


async def test_hooks_that_wait_for_a_tool_that_hangs_are_in_no_other_sources_way(asked_school: School) -> None:
    asked_school.teachable.page = asked_school.kajabi.page = "<html>We are back soon</html>"
    for number in range(15):
        await asked_school.post("school", completed(hook_event_id=f"kept-{number}"))
    await asked_school.post("kajabi", tagged())
    asked_school.teachable.page = asked_school.kajabi.page = None
    asked_school.teachable.answers.clear()
    pool = asked_school.stage.pool
    await pool.execute("UPDATE kept_hooks SET attempts = 0, due_at = now() - interval '1 s' * (20 - kept_id)")
    try:
        async with asyncio.timeout(60):
            while not await asked_school.types():  # noqa: ASYNC110 - the service reads Kajabi's
                await asyncio.sleep(0.05)
        assert await pool.fetchval("SELECT count(*) FROM kept_hooks WHERE attempts > 0") <= 2, "of the school's"
    finally:
        asked_school.teachable.answers.set()


@pytest.mark.parametrize("source", ["school", "kajabi"])
async def test_wrong_credentials_lose_no_claim_and_are_told_in_the_log_and_the_sources_health(
    asked_school: School, source: str
) -> None:
    asked_school.teachable.key = asked_school.kajabi.secret = "rotated-at-the-tool"
    with capture_logs() as logs:
        await asked_school.post(source, [completed()] if source == "school" else tagged())
    (line,) = [line for line in logs if line["event"] == "hook_kept"]
    assert (line["log_level"], line["source"]) == ("error", source)
    assert "secret files" in line["detail"]
    assert not any(secret in repr(logs) for secret in (KEY, SECRET))
    assert (await told(asked_school.stage, source, failed=1)).failure == "source_refused"
    asked_school.teachable.key, asked_school.kajabi.secret = KEY, SECRET
    await asked_school.read_what_was_kept()
    assert await asked_school.types() == ["course.completed"]


async def test_a_token_that_was_revoked_costs_no_claim(asked_school: School) -> None:
    await asked_school.post("kajabi", tagged())
    asked_school.kajabi.revoke()
    asked_school.kajabi.contacts["8801"]["included"].append(
        {"id": "79", "type": "contact_tags", "attributes": {"name": "Launched"}}
    )
    await asked_school.post("kajabi", tagged(tag="79", name="Launched"))
    assert (await asked_school.types(), asked_school.kajabi.tokens) == (
        ["course.completed", "goal.completed"],
        ["token-1", "token-2"],
    )


async def test_a_claim_that_was_set_aside_is_asked_about_again_when_it_is_replayed(
    asked_school: School, database: str
) -> None:
    user = asked_school.teachable.users[ANA]
    asked_school.teachable.users[ANA] = {**user, "courses": []}
    await asked_school.post("school", [completed()])
    await asked_school.post("school", [completed(padding="x" * 800_000)])
    letters = read_dead_letters({"bootstrap_servers": asked_school.stage.bootstrap_servers})
    own = [letter async for letter in letters if letter.key == f"{asked_school.stage.tenant}/school".encode()]
    assert [(letter.reason, letter.is_replayable) for letter in own] == [
        ("not_confirmed", True),
        ("not_confirmed", False),
    ]
    asked_school.teachable.users[ANA] = user
    dry = await replay(asked_school, database)
    assert "not_confirmed of hook:school -> its tool is asked again by `cairn serve`" in dry
    assert await asked_school.kept() == 0
    done = await replay(asked_school, database, "--yes")
    assert "hooks kept: `cairn serve` asks their tools within seconds" in done
    assert "not kept" not in done
    await asked_school.read_what_was_kept()
    assert await asked_school.types() == ["course.completed"]


async def test_a_replayed_claim_is_dated_by_its_receipt_too(asked_school: School, database: str) -> None:
    contact = asked_school.kajabi.contacts["8801"]
    asked_school.kajabi.untag("8801", "77")
    await asked_school.post("kajabi", tagged())
    ended_at = asked_school.stage.config.clock.now()
    asked_school.kajabi.contacts["8801"] = contact
    await replay(asked_school, database, "--yes")
    await asked_school.read_what_was_kept()
    (event,) = await asked_school.stage.events()
    assert event.occurred_at <= ended_at


async def test_what_is_denied_again_and_again_is_asked_about_once_each_time(
    asked_school: School, database: str
) -> None:
    await asked_school.post("school", [completed(course_id=1)])
    for times in (2, 3, 4):
        await replay(asked_school, database, "--yes")
        await asked_school.read_what_was_kept()
        assert await asked_school.reasons() == ["not_confirmed"] * times


async def test_a_hook_that_waits_already_is_not_kept_beside_itself_when_it_is_replayed(
    asked_school: School, database: str
) -> None:
    await asked_school.post("school", completed(course_id=1))
    asked_school.teachable.page = "<html>"
    await asked_school.post("school", completed(course_id=1))
    await replay(asked_school, database, "--yes")
    assert await asked_school.kept() == 1


async def test_how_many_are_not_kept_since_so_many_wait_is_said(asked_school: School, database: str) -> None:
    await asked_school.post("school", completed(course_id=1))
    await asked_school.stage.pool.execute(
        "INSERT INTO kept_hooks (tenant, source, body, body_hash, due_at) "
        "SELECT $1, 'school', '', sha256(n::text::bytea), now() + interval '1 h' FROM generate_series(1, 10000) n",
        asked_school.stage.tenant,
    )
    assert "1 hooks not kept: of one source 10,000 wait at most" in await replay(asked_school, database, "--yes")


async def replay(school: School, database: str, *words: str) -> str:
    """What `cairn dlq replay` of what was not confirmed prints."""
    settings = {"CAIRN_KAFKA_BOOTSTRAP_SERVERS": school.stage.bootstrap_servers, "CAIRN_DATABASE_URL": database}
    answer = await cairn("dlq", "replay", "--reason", "not_confirmed", *words, settings=settings)
    assert answer.status == 0, answer.err
    return answer.out
