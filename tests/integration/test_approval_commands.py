"""`cairn approvals` lists, shows and answers what waits for a coach."""

import json
from pathlib import Path

import asyncpg

from agents.ledger.approvals import approved_words
from agents.ledger.migrate import migrate
from agents.ledger.pool import connect
from schemas.celebration import Approved
from tests.integration.commands import cairn, write_tenant
from tests.integration.waiting import thirty_six, wait_for_coach


async def test_what_waits_is_listed_shown_and_answered_once(database: str, tmp_path: Path) -> None:
    await migrate(database)
    settings = {"CAIRN_DATABASE_URL": database, "CAIRN_TENANTS_DIR": str(write_tenant(tmp_path / "tenants"))}
    pool = await connect(database)
    waiting = await wait_for_coach(pool, "email", "gift")
    gift = await wait_for_coach(pool, "gift", milestone=thirty_six("ben"))
    listed = await cairn("approvals", "list", settings=settings)
    assert waiting in listed.out
    assert "email gift 25.00" in listed.out
    narrow = await cairn("approvals", "list", settings={**settings, "COLUMNS": "60"})
    assert waiting in narrow.out
    assert gift in narrow.out
    told = json.loads((await cairn("approvals", "list", "--json", settings=settings)).out)["approvals"]
    assert {row["celebration_id"] for row in told} == {waiting, gift}
    shown = await cairn("approvals", "show", waiting[:9], settings=settings)
    assert "36 sessions, ana: open" in shown.out
    assert "email: Thirty-six sessions" in shown.out
    words = tmp_path / "words.json"
    words.write_text(json.dumps({"email": {"subject": "Hi", "text": "Dear [name],"}}), encoding="utf-8")
    approve = ("approvals", "approve", waiting, "--author", "jo", "--words", str(words))
    refused = await cairn(*approve, settings=settings)
    assert refused.status == 2
    assert "placeholder" in refused.err
    words.write_text(json.dumps({"in_app": {"subject": "Hi", "text": "x"}}), encoding="utf-8")
    assert "no such message waits" in (await cairn(*approve, settings=settings)).err
    words.write_text(json.dumps({"email": {"subject": "Hi", "text": "One.\n\nTwo."}}), encoding="utf-8")
    assert "approved by jo" in (await cairn(*approve, settings=settings)).out
    assert await approved_words(pool, waiting, "email") == Approved(subject="Hi", paragraphs=("One.", "Two."))
    again = await cairn("approvals", "decline", waiting, "--reason", "late", "--author", "sam", settings=settings)
    assert again.status == 1
    assert "Nothing was decided now; it is approved by jo" in again.err
    taken = await cairn("approvals", "take-over", gift[:9], "--author", "jo", settings=settings)
    assert "taken_over by jo" in taken.out
    await pool.close()
    connection = await asyncpg.connect(database)
    assert await connection.fetchval("SELECT count(*) FROM coach_tasks") == 1
    await connection.close()
    assert "Nothing waits for a coach." in (await cairn("approvals", "list", settings=settings)).out
    assert (await cairn("approvals", "show", "f" * 32, settings=settings)).status == 1
