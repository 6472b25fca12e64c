"""`cairn gifts` shows what was spent, and takes a gift back as far as the provider lets it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import pytest

from agents.channels.gift import GiftChannel
from agents.ledger.migrate import migrate
from agents.ledger.money import doubt, reserve, spend
from agents.ledger.pool import Pool, connect
from demo.vendors.tremendous import TremendousServer
from schemas.policy import Budget
from tests.integration.channels.correspondence import Crossing
from tests.integration.channels.test_gift import GIFT, KEY, account
from tests.integration.commands import Answer, cairn, write_tenant
from tests.integration.ledger.costly_deliveries import DELIVERIES

BUDGET = Budget()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A ledger with deliveries d1 and d2 of celebrations x1 and x2, and a provider."""

    pool: Pool
    tremendous: TremendousServer
    settings: dict[str, str]

    async def ordered(self, number: int) -> None:
        channel = GiftChannel(lambda _tenant: account(self.tremendous.base_url))
        await channel.send(replace(GIFT, celebration_id=f"x{number}"), Crossing())

    async def reserved(self, number: int, state: str) -> None:
        await reserve(
            self.pool,
            delivery_id=f"d{number}",
            tenant="northstar",
            client=f"c-{number}",
            month=date(2026, 5, 1),
            cents=2_500,
            budget=BUDGET,
        )
        await self.pool.execute(
            "UPDATE deliveries SET state = $2, reason = 'r' WHERE delivery_id = $1", f"d{number}", state
        )

    async def refund(self, delivery: str) -> Answer:
        words = ("gifts", "refund", delivery, "--reason", "moved away", "--author", "kim")
        return await cairn(*words, settings=self.settings)


@pytest.fixture
async def stage(database: str, tmp_path: Path) -> AsyncIterator[Stage]:
    await migrate(database)
    pool = await connect(database)
    await pool.execute(DELIVERIES, 2)
    async with TremendousServer(key=KEY, funds_cents=5_000) as tremendous:
        folder = write_tenant(tmp_path / "tenants")
        with (folder / "northstar" / "tenant.yaml").open("a", encoding="utf-8") as file:
            file.write(f"gifts: {{products: [P1], base_url: '{tremendous.base_url}'}}\n")
        (tmp_path / "secrets" / "northstar").mkdir(parents=True)
        (tmp_path / "secrets" / "northstar" / "gift.key").write_text(KEY, encoding="utf-8")
        settings = {
            "CAIRN_DATABASE_URL": database,
            "CAIRN_TENANTS_DIR": str(folder),
            "CAIRN_SECRETS_DIR": str(tmp_path / "secrets"),
        }
        yield Stage(pool=pool, tremendous=tremendous, settings=settings)
    await pool.close()


async def test_a_gift_is_taken_back_once_with_who_and_why(stage: Stage) -> None:
    await stage.reserved(1, "sent")
    await spend(stage.pool, "d1")
    await stage.ordered(1)
    done = await stage.refund("d1")
    assert (done.status, done.out) == (0, "d1: 2500 cents are back for 2026-05: the order is canceled.")
    assert stage.tremendous.funds_cents == 5_000
    again = await stage.refund("d1")
    assert (again.status, again.err) == (1, "d1: the money came back already, by kim.")
    move = await stage.pool.fetchrow("SELECT author, why, cents FROM money_moves ORDER BY move_id DESC LIMIT 1")
    assert dict(move or {}) == {"author": "kim", "why": "moved away", "cents": 2_500}
    listed = (await cairn("gifts", "list", settings=stage.settings)).out
    assert "d1 northstar c-1 2026-05 2500 returned sent kim: moved away" in listed
    assert "0 cents are reserved or spent, 0 of them in doubt" in listed


async def test_what_was_redeemed_stays_spent(stage: Stage) -> None:
    await stage.reserved(1, "sent")
    await spend(stage.pool, "d1")
    await stage.ordered(1)
    stage.tremendous.redeem("x1")
    refused = await stage.refund("d1")
    assert refused.status == 1
    assert "d1: nothing came back: status 422" in refused.err
    assert await stage.pool.fetchval("SELECT state FROM money") == "spent"


async def test_money_in_doubt_comes_back_when_no_order_was_made(stage: Stage) -> None:
    await stage.reserved(1, "deferred")
    await doubt(stage.pool, "d1")
    waiting = await stage.refund("d1")
    assert (waiting.status, "may still be ordered" in waiting.err) == (1, True)
    await stage.reserved(2, "unknown")
    await doubt(stage.pool, "d2")
    listed = await cairn("gifts", "list", "--tenant", "northstar", "--month", "2026-05", settings=stage.settings)
    assert "5000 cents are reserved or spent, 5000 of them in doubt" in listed.out
    assert (await stage.refund("d2")).out == "d2: 2500 cents are back for 2026-05: no order was made."


async def test_what_has_cost_nothing_is_refused_and_nothing_is_asked(stage: Stage) -> None:
    assert (await stage.refund("d1")).status == 1
    await stage.reserved(1, "sent")
    await stage.pool.execute("UPDATE deliveries SET channel = 'video' WHERE delivery_id = 'd1'")
    assert "a cost of video" in (await stage.refund("d1")).err
    assert stage.tremendous.requests == 0
    empty = await cairn("gifts", "list", "--month", "2026-06", settings=stage.settings)
    assert empty.out == "No money was reserved."
    assert (await cairn("gifts", "list", "--month", "June", settings=stage.settings)).status == 2


async def test_without_a_key_nothing_comes_back(stage: Stage) -> None:
    await stage.reserved(1, "sent")
    (Path(stage.settings["CAIRN_SECRETS_DIR"]) / "northstar" / "gift.key").unlink()
    assert "no secret gift.key" in (await stage.refund("d1")).err
