"""The audit on a real database: what a superuser does behind the back of the triggers is found."""

import asyncio
import json
from pathlib import Path

import asyncpg
import pytest
from typer.testing import CliRunner

from agents.cli import load
from agents.ledger.audit import Break, Head, verify
from agents.ledger.pool import connect
from agents.ledger.queries import SQL_FOLDER
from schemas.decision_seal import first_digest, next_digest
from tests.integration.ledger.ledger_practice import Practice, first_session, reached

APP = load()

INSERT = """
INSERT INTO decisions (milestone_id, revision, tenant, client, part, outcome, reason, detail, decided_at)
VALUES ($1, 1, 'northstar', $2, 'email', 'hold', 'suppressed', $3, now())
"""


async def decided(practice: Practice) -> None:
    """A dozen decisions in several transactions, some with a detail in other letters."""
    await practice.meet("bo")
    await practice.hear(first_session(), first_session(client="bo"), reached())
    await practice.send()
    for number in range(6):
        await practice.pool.execute(INSERT, f"m{number}", "ana", f'she asked for "quiet" — ü{number}')


async def tamper(practice: Practice, *statements: str) -> None:
    """As a superuser could: no trigger sees it."""
    async with practice.pool.acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL session_replication_role = replica")
        for statement in statements:
            await connection.execute(statement)


async def broken(practice: Practice, **options: object) -> Break:
    found = (await verify(practice.pool, **options)).broken  # type: ignore[arg-type]
    assert found is not None
    return found


async def test_what_was_decided_is_unaltered_and_every_decision_was_looked_at(practice: Practice) -> None:
    await decided(practice)
    steps: list[tuple[int, int]] = []
    found = await verify(practice.pool, progress=lambda done, total: steps.append((done, total)))
    assert found.broken is None
    assert found.decisions == await practice.pool.fetchval("SELECT count(*) FROM decisions") > 8
    assert steps[-1] == (found.decisions, found.decisions)


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("UPDATE decisions SET reason = 'planned' WHERE decision_id = 7", "the decision was changed"),
        ("UPDATE decisions SET client = 'bo' WHERE decision_id = 7", "the decision was changed"),
        (
            "UPDATE decisions SET decided_at = decided_at + interval '1 microsecond' WHERE decision_id = 7",
            "the decision was changed",
        ),
        ("UPDATE decisions SET detail = 'x' WHERE decision_id = 7", "the detail, its salt or its seal was changed"),
        ("UPDATE decisions SET detail = NULL WHERE decision_id = 7", "the detail, its salt or its seal was changed"),
        ("UPDATE decisions SET salt = NULL, detail = NULL WHERE decision_id = 7", "and the client is not erased"),
        ("DELETE FROM decisions WHERE decision_id = 7", "the decision was deleted"),
    ],
)
async def test_a_changed_or_deleted_decision_is_found_by_its_number(
    practice: Practice, statement: str, what: str
) -> None:
    await decided(practice)
    await tamper(practice, statement)
    found = await broken(practice)
    assert (found.decision_id, what in found.what) == (7, True)
    assert found.chain is not None
    assert found.sequence is not None


async def test_a_decision_that_was_put_in_is_found(practice: Practice) -> None:
    await decided(practice)
    await tamper(
        practice,
        "INSERT INTO decisions (milestone_id, revision, tenant, client, part, outcome, reason, decided_at) "
        "VALUES ('m', 1, 'northstar', 'ana', 'email', 'send', 'planned', now())",
    )
    found = await broken(practice)
    newest = await practice.pool.fetchval("SELECT max(decision_id) FROM decisions")
    assert (found.decision_id, found.chain) == (newest, None)
    assert "without a seal" in found.what


async def test_two_decisions_that_changed_places_are_found(practice: Practice) -> None:
    await decided(practice)
    await tamper(
        practice,
        "UPDATE decisions a SET milestone_id = b.milestone_id, salt = b.salt, detail = b.detail FROM decisions b "
        "WHERE (a.decision_id, b.decision_id) IN ((7, 8), (8, 7))",
    )
    assert (await broken(practice)).decision_id in {7, 8}


async def test_batches_that_changed_places_are_found(practice: Practice) -> None:
    await long_chain(practice)
    await tamper(
        practice,
        "UPDATE decision_batches SET sequence = -1 WHERE chain = 5 AND sequence = 2",
        "UPDATE decision_batches SET sequence = 2 WHERE chain = 5 AND sequence = 3",
        "UPDATE decision_batches SET sequence = 3 WHERE chain = 5 AND sequence = -1",
    )
    found = await broken(practice)
    assert (found.chain, found.sequence) == (5, 2)
    assert "another place" in found.what


async def test_a_batch_that_is_gone_with_its_decisions_leaves_a_hole(practice: Practice) -> None:
    await long_chain(practice)
    await tamper(practice, *_without(2))
    found = await broken(practice)
    assert (found.chain, found.sequence, found.what) == (5, 2, "batch 2 is missing: next comes 3")


async def test_an_end_that_is_cut_off_is_told_by_the_head(practice: Practice) -> None:
    await long_chain(practice)
    await tamper(practice, *_without(4))
    assert "its end was cut off" in (await broken(practice)).what


async def test_an_end_that_is_cut_off_with_its_head_is_told_by_the_head_that_was_noted(practice: Practice) -> None:
    await long_chain(practice)
    noted = (await verify(practice.pool)).heads
    before = "(SELECT digest FROM decision_batches WHERE chain = 5 AND sequence = 3)"
    await tamper(
        practice,
        *_without(4),
        f"UPDATE decision_chains SET sequence = 3, digest = {before} WHERE chain = 5",  # noqa: S608 - words of this file
    )
    assert (await verify(practice.pool)).broken is None, "nothing in the database could tell"
    assert "went to 4 when its head was noted" in (await broken(practice, noted=noted)).what


async def test_a_chain_that_was_made_anew_is_told_by_the_head_that_was_noted(practice: Practice) -> None:
    await long_chain(practice)
    found = await broken(practice, noted={5: Head(sequence=3, digest="00" * 32)})
    assert (found.chain, found.sequence) == (5, 3)
    assert "made anew" in found.what


async def test_a_batch_that_was_never_chained_is_found(practice: Practice) -> None:
    await decided(practice)
    await tamper(
        practice,
        "INSERT INTO decisions (milestone_id, revision, tenant, client, part, outcome, reason, decided_at) "
        "VALUES ('m', 1, 'northstar', 'ana', 'email', 'send', 'planned', now())",
        "INSERT INTO decision_batches (chain, decisions, seals, hashes) "
        "SELECT 1, ARRAY[max(decision_id)], ARRAY[NULL::bytea], sha256('x') FROM decisions",
    )
    assert "never chained" in (await broken(practice)).what


async def test_erasure_takes_the_detail_and_breaks_nothing_and_what_is_left_is_still_held(practice: Practice) -> None:
    await decided(practice)
    await practice.erase("ana")
    left = await practice.pool.fetchval("SELECT count(*) FROM decisions WHERE client = 'ana' AND detail IS NOT NULL")
    salts = await practice.pool.fetchval("SELECT count(*) FROM decisions WHERE client = 'ana' AND salt IS NOT NULL")
    assert (left, salts) == (0, 0)
    assert (await verify(practice.pool)).broken is None
    await tamper(practice, "UPDATE decisions SET detail = 'x' WHERE decision_id = 7")
    assert (await broken(practice)).what == "a detail was put in after erasure"
    await tamper(practice, "UPDATE decisions SET detail = NULL, outcome = 'send' WHERE decision_id = 7")
    assert "the decision was changed" in (await broken(practice)).what


async def test_nothing_but_erasure_may_touch_a_decision_and_nothing_but_chaining_a_batch(practice: Practice) -> None:
    await decided(practice)
    for statement in (
        "UPDATE decisions SET detail = NULL, salt = NULL",
        "UPDATE decisions SET part = 'sms'",
        "UPDATE decision_batches SET digest = NULL",
        "DELETE FROM decision_batches",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
            await practice.pool.execute(statement)
    await practice.erase("ana")
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
        await practice.pool.execute("UPDATE decisions SET salt = NULL, detail = NULL, part = 'x' WHERE client = 'ana'")


async def test_many_at_once_are_chained_without_a_hole(practice: Practice) -> None:
    async def decide(number: int) -> None:
        async with practice.pool.acquire() as connection, connection.transaction():
            for part in range(3):
                await connection.execute(INSERT, f"m{number}-{part}", "ana", None)

    await asyncio.gather(*(decide(number) for number in range(60)))
    found = await verify(practice.pool)
    assert (found.broken, found.decisions, found.batches) == (None, 180, 180)


async def test_one_tenants_decisions_can_be_looked_at_alone(practice: Practice) -> None:
    await decided(practice)
    await practice.pool.execute(INSERT.replace("northstar", "other"), "m", "x", None)
    assert (await verify(practice.pool, tenant="other")).decisions == 1
    await tamper(practice, "UPDATE decisions SET reason = 'x' WHERE decision_id = 7")
    assert (await verify(practice.pool, tenant="other")).broken is None
    assert (await verify(practice.pool, tenant="northstar")).broken is not None


async def test_what_was_decided_before_there_were_seals_is_sealed_as_it_stands(database: str) -> None:
    scripts = sorted((SQL_FOLDER / "versions").glob("*.sql"))
    connection = await asyncpg.connect(database)
    for script in (path for path in scripts if path.stem < "0013"):
        await connection.execute(script.read_text(encoding="utf-8"))
    for number in range(2_500):
        await connection.execute(INSERT, f"m{number}", "ana", None if number % 2 else "ü")
    async with connection.transaction():
        await connection.execute((SQL_FOLDER / "versions" / "0013_audit.sql").read_text(encoding="utf-8"))
    await connection.close()
    pool = await connect(database)
    found = await verify(pool)
    await pool.close()
    assert (found.broken, found.decisions, found.batches) == (None, 2_500, 3)


async def test_the_command_says_what_it_walked_and_ends_with_status_1_at_a_break(
    practice: Practice, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await decided(practice)
    monkeypatch.setenv("CAIRN_DATABASE_URL", database)
    status, text = await command("audit", "verify")
    assert status == 0
    assert "are unaltered." in text
    status, text = await command("audit", "verify", "--json")
    heads = tmp_path / "heads.json"
    heads.write_text(text)
    assert json.loads(text)["broken"] is None
    assert (await command("audit", "verify", "--since", str(heads)))[0] == 0
    await tamper(practice, "DELETE FROM decisions WHERE decision_id = 7")
    status, text = await command("audit", "verify")
    assert status == 1
    assert "Broken at decision 7, chain" in text
    assert "the decision was deleted." in text
    heads.write_text("[]")
    assert (await command("audit", "verify", "--since", str(heads)))[0] == 2


async def command(*words: str) -> tuple[int, str]:
    result = await asyncio.to_thread(CliRunner().invoke, APP, words)
    return result.exit_code, result.stdout


async def long_chain(practice: Practice) -> None:
    """Chain 5 has four batches, as when four transactions had come to it, and no other has any."""
    for number in range(4):
        await practice.pool.execute(INSERT, f"m{number}", "ana", None)
    digest = first_digest(5)
    statements = [
        "UPDATE decision_chains SET sequence = 0, digest = sha256(convert_to('cairn decisions ' || chain, 'UTF8'))",
        "UPDATE decision_batches SET chain = 6, sequence = 1000 + batch_id",  # so that none is in another's place
    ]
    rows = await practice.pool.fetch("SELECT batch_id, hashes FROM decision_batches ORDER BY batch_id")
    for sequence, row in enumerate(rows, start=1):
        digest = next_digest(digest, sequence, row["hashes"])
        chained = f"chain = 5, sequence = {sequence}, digest = '\\x{digest.hex()}'"
        statements.append(f"UPDATE decision_batches SET {chained} WHERE batch_id = {row['batch_id']}")  # noqa: S608 - numbers
    statements.append(f"UPDATE decision_chains SET sequence = 4, digest = '\\x{digest.hex()}' WHERE chain = 5")  # noqa: S608 - as above
    await tamper(practice, *statements)
    assert (await verify(practice.pool)).broken is None


def _without(sequence: int) -> tuple[str, str]:
    batch = f"chain = 5 AND sequence = {sequence}"
    return (
        f"DELETE FROM decisions WHERE decision_id IN (SELECT unnest(decisions) FROM decision_batches WHERE {batch})",  # noqa: S608 - words of this file
        f"DELETE FROM decision_batches WHERE {batch}",  # noqa: S608 - as above
    )
