"""`cairn sources` shows how every source is, and its status says whether somebody must do something."""

import json
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from agents.connect.calendly import CalendlySubscriptions
from agents.ledger.migrate import migrate
from agents.ledger.pool import Pool, connect
from agents.plain_file import MOST_BYTES
from agents.secret_files import SecretFiles
from tests.integration.commands import TENANT, Answer, cairn, write_tenant
from tests.integration.connect.calendly_server import TOKEN, CalendlyServer


@dataclass(frozen=True, slots=True, kw_only=True)
class Practice:
    """A tenant northstar with an app that sends hooks, a Calendly, and a tracker that is asked."""

    pool: Pool
    dsn: str
    folder: Path
    calendly: CalendlyServer

    async def hear(self, source: str, *, hours_ago: float = 0, **facts: Any) -> None:
        await self.pool.execute(
            "INSERT INTO source_health (tenant, source, heard_at, accepted_at, failed_at, failure) "
            "VALUES ('northstar', $1, now() - $2::interval, now() - $2::interval, "
            "        CASE WHEN $3::text IS NOT NULL THEN now() END, $3)",
            source, timedelta(hours=hours_ago), facts.get("failure"),
        )  # fmt: skip

    async def sources(self, *words: str, columns: int = 200) -> Answer:
        settings = {
            "CAIRN_TENANTS_DIR": str(self.folder / "tenants"),
            "CAIRN_SECRETS_DIR": str(self.folder / "secrets"),
            "CAIRN_DATABASE_URL": self.dsn,
            "COLUMNS": str(columns),
        }
        return await cairn("sources", *words, settings=settings)

    async def states(self) -> tuple[int, dict[str, str]]:
        answer = await self.sources("--json")
        return answer.status, {one["source"]: one["state"] for one in json.loads(answer.out)["sources"]}


@pytest.fixture
async def practice(database: str, tmp_path: Path) -> AsyncIterator[Practice]:
    await migrate(database)
    pool = await connect(database)
    async with CalendlyServer() as calendly:
        write_tenant(tmp_path / "tenants")
        sources = f"""
sources:
  - {{kind: standard_webhooks, name: app, silent_after_hours: 24}}
  - {{kind: calendly, name: calendly, base_url: "{calendly.base_url.replace("127.0.0.1", "localhost")}"}}
  - {{kind: habit_pull, name: habits, base_url: "http://127.0.0.1:1"}}
"""
        (tmp_path / "tenants" / "northstar" / "tenant.yaml").write_text(TENANT + sources, encoding="utf-8")
        secrets = SecretFiles(tmp_path / "secrets")
        for name in ("app.path", "app.key", "calendly.path", "calendly.key", "habits.key"):
            secrets.put("northstar", name, "a-secret")
        secrets.put("northstar", "calendly.token", TOKEN)
        yield Practice(pool=pool, dsn=database, folder=tmp_path, calendly=calendly)
    await pool.close()


def subscribed(practice: Practice, state: str = "active") -> None:
    address = "https://one.example.org/hooks/northstar/calendly/a-secret"
    practice.calendly.add(address, sorted(CalendlySubscriptions.wanted), state=state)


async def test_all_well_is_status_0_and_a_line_for_each(practice: Practice) -> None:
    subscribed(practice)
    for source in ("app", "calendly", "habits"):
        await practice.hear(source)
    answer = await practice.sources()
    assert answer.status == 0, answer.out + answer.err
    assert answer.out.count(" on ") == 3
    assert "a-secret" not in answer.out + answer.err


async def test_each_trouble_has_its_word_and_makes_status_1(practice: Practice) -> None:
    await practice.hear("app", hours_ago=25)
    await practice.hear("habits", hours_ago=25, failure="source_away")
    assert await practice.states() == (1, {"app": "silent", "calendly": "disabled", "habits": "failing"})


async def test_a_source_that_was_never_served_or_lacks_a_secret_is_told_with_what_to_do(practice: Practice) -> None:
    subscribed(practice)
    (practice.folder / "secrets" / "northstar" / "habits.key").unlink()
    answer = await practice.sources()
    assert answer.status == 1
    assert "northstar/habits: write the secret files habits.key" in answer.err
    assert "northstar/app: `cairn serve` has not taken it up" in answer.err


async def test_what_the_vendor_switched_off_is_disabled_with_the_command_that_mends_it(practice: Practice) -> None:
    subscribed(practice, state="disabled")
    await practice.hear("calendly")
    answer = await practice.sources("--tenant", "northstar")
    assert "disabled" in answer.out
    assert "`cairn connect calendly --tenant northstar`" in answer.err


async def test_a_vendor_that_does_not_answer_changes_no_state_and_is_told(practice: Practice) -> None:
    practice.calendly.refusals.extend([(500, {})] * 3)
    for source in ("app", "calendly", "habits"):
        await practice.hear(source)
    answer = await practice.sources()
    assert answer.status == 0
    assert "Calendly answers with status 500" in answer.err


async def test_a_vendors_cookie_is_not_kept_and_so_goes_out_with_no_other_tenants_token(practice: Practice) -> None:
    subscribed(practice)
    await practice.sources()
    assert (practice.calendly.requests, practice.calendly.cookies) == (2, 0)


async def test_nobody_outside_is_asked_if_so_wished(practice: Practice) -> None:
    await practice.hear("calendly")
    await practice.sources("--no-ask")
    assert practice.calendly.requests == 0


async def test_lag_counts_and_ages_are_shown(practice: Practice) -> None:
    await practice.hear("habits", hours_ago=3)
    await practice.pool.execute(
        "INSERT INTO polls (tenant, source, due_at) VALUES ('northstar', 'habits', now() - interval '2 h')"
    )
    await practice.pool.execute("INSERT INTO source_hours VALUES ('northstar', 'habits', now() - interval '1 h', 4, 2)")
    await practice.pool.execute(
        "INSERT INTO kept_hooks (tenant, source, body, body_hash, retry_at) "
        "VALUES ('northstar', 'app', 'id=1', sha256('id=1'), now())"
    )
    answer = await practice.sources("--no-ask", "--json")
    found = {one["source"]: one for one in json.loads(answer.out)["sources"]}
    assert (found["habits"]["accepted"], found["habits"]["failed"]) == (4, 2)
    assert found["habits"]["newest_seconds"] == pytest.approx(3 * 3_600, abs=600)
    assert found["habits"]["overdue_seconds"] == pytest.approx(2 * 3_600, abs=600)
    assert found["app"]["kept"] == 1
    table = (await practice.sources("--no-ask")).out
    assert "poll due for 2 h" in table
    assert "1 kept" in table


async def test_a_narrow_table_leaves_out_columns_and_never_cuts_a_name(practice: Practice) -> None:
    await practice.hear("habits", hours_ago=25, failure="source_away")
    wide, narrow = await practice.sources("--no-ask"), await practice.sources("--no-ask", columns=80)
    assert "standard_webhooks" in wide.out
    assert "--json has them" not in wide.err
    for row in ("northstar app unserved", "northstar calendly unserved", "northstar habits failing"):
        assert row in narrow.out
    assert "source_away" in narrow.out
    assert "Too narrow for kind, newest" in narrow.err
    narrowest = await practice.sources("--no-ask", columns=24)
    assert "…" not in narrow.out + narrowest.out


async def test_a_source_that_signs_nothing_and_is_not_asked_back_is_told(practice: Practice) -> None:
    file = practice.folder / "tenants" / "northstar" / "tenant.yaml"
    file.write_text(file.read_text() + "  - {kind: kajabi, name: site}\n", encoding="utf-8")
    secrets = SecretFiles(practice.folder / "secrets")
    secrets.put("northstar", "site.path", "a-secret")
    lacking = "northstar/site: completions are believed unasked without site.client_id and site.client_secret"
    assert lacking in (await practice.sources("--no-ask")).err
    for name in ("site.client_id", "site.client_secret"):
        secrets.put("northstar", name, "a-secret")
    answer = await practice.sources("--no-ask")
    assert "believed" not in answer.err
    assert "a-secret" not in answer.out + answer.err


async def test_a_secret_that_cannot_be_read_is_told_beside_the_others(practice: Practice) -> None:
    subscribed(practice)
    await practice.hear("app")
    for name in ("habits.key", "calendly.path"):
        (practice.folder / "secrets" / "northstar" / name).write_bytes(b"x" * (MOST_BYTES + 1))
    assert await practice.states() == (1, {"app": "on", "calendly": "off", "habits": "off"})
    answer = await practice.sources()
    assert "northstar/habits: habits.key of northstar is larger than 1 MiB: mend it" in answer.err
    assert "write the secret files" not in answer.err


async def test_of_a_folder_of_secrets_that_is_gone_it_says_what_goes_on(practice: Practice) -> None:
    await practice.hear("app")
    shutil.rmtree(practice.folder / "secrets" / "northstar")
    answer = await practice.sources("--no-ask")
    assert "secrets/northstar is gone: restore it; a `cairn serve` that read its secrets before goes on" in answer.err
    assert "northstar/habits: write the secret files habits.key" in answer.err


async def test_a_tenant_that_there_is_not_is_refused(practice: Practice) -> None:
    assert (await practice.sources("--tenant", "southstar")).status == 2


async def test_a_fault_in_another_tenants_files_hides_no_source(practice: Practice) -> None:
    await practice.hear("app")
    southstar = write_tenant(practice.folder / "tenants", "southstar") / "southstar" / "tenant.yaml"
    southstar.write_text("name: [", encoding="utf-8")
    whole = await practice.sources("--no-ask")
    assert (whole.status, "northstar app" in whole.out) == (2, True)
    assert f"Not shown: {southstar}:" in whole.err
    own = await practice.sources("--no-ask", "--tenant", "northstar")
    assert (own.status, "southstar" in own.out + own.err) == (1, False)
    assert (await practice.sources("--no-ask", "--tenant", "southstar")).status == 2
