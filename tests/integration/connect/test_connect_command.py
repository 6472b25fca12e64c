"""`cairn connect` from the first run to the rotation, against a running door and the vendors' APIs."""

import asyncio
import stat
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from prometheus_client import REGISTRY

from agents.ledger.migrate import migrate
from agents.ledger.pool import Pool, connect
from agents.secret_files import SecretFiles
from demo.vendors.habits import HabitServer
from tests.integration.commands import TENANT, Answer, cairn, write_tenant
from tests.integration.connect.calendly_server import TOKEN, CalendlyServer
from tests.integration.connect.service import service
from tests.integration.connect.thinkific_server import ThinkificServer
from tests.integration.intake.stage import serve, until

TRACKER_TOKEN = "a-tracker-token"
WHSEC = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@dataclass(frozen=True, slots=True, kw_only=True)
class Practice:
    """A tenant northstar with a source of each kind, its secrets, its ledger, and two vendors."""

    pool: Pool
    dsn: str
    folder: Path
    calendly: CalendlyServer
    thinkific: ThinkificServer
    tracker: HabitServer

    @property
    def secrets(self) -> SecretFiles:
        return SecretFiles(self.folder / "secrets")

    def write(self, name: str, value: str) -> None:
        self.secrets.put("northstar", name, value)

    def service(self) -> AbstractAsyncContextManager[str]:
        return service(self.pool, self.folder / "spool", self.folder / "tenants", self.secrets)

    async def connect(
        self, source: str, *more: str, url: str = "http://127.0.0.1:1", secrets: str = "secrets", **seal: str
    ) -> Answer:
        settings = {
            "CAIRN_TENANTS_DIR": str(self.folder / "tenants"),
            "CAIRN_SECRETS_DIR": str(self.folder / secrets),
            "CAIRN_DATABASE_URL": self.dsn,
            "CAIRN_PUBLIC_URL": url,
            **seal,
        }
        return await cairn("connect", source, *more, settings=settings)


@pytest.fixture
async def practice(database: str, tmp_path: Path) -> AsyncIterator[Practice]:
    await migrate(database)
    pool = await connect(database)
    tracker = HabitServer(token=TRACKER_TOKEN)
    async with CalendlyServer() as calendly, ThinkificServer() as thinkific, tracker:
        write_tenant(tmp_path / "tenants")
        sources = f"""
sources:
  - {{kind: calendly, name: calendly, base_url: "{calendly.base_url}"}}
  - {{kind: acuity, name: acuity, account: "1", user_id: "7", base_url: "http://127.0.0.1:1"}}
  - {{kind: thinkific, name: school, subdomain: academy, base_url: "{thinkific.base_url}"}}
  - {{kind: standard_webhooks, name: app}}
  - {{kind: habit_pull, name: habits, base_url: "{tracker.base_url}"}}
"""
        (tmp_path / "tenants" / "northstar" / "tenant.yaml").write_text(TENANT + sources, encoding="utf-8")
        yield Practice(
            pool=pool, dsn=database, folder=tmp_path, calendly=calendly, thinkific=thinkific, tracker=tracker
        )
    await pool.close()


async def test_from_nothing_to_a_subscription_in_one_run(practice: Practice) -> None:
    practice.write("calendly.token", TOKEN)
    async with practice.service() as url:
        first = await practice.connect("calendly", url=url)
        again = await practice.connect("calendly", url=url)
    for name in ("calendly.path", "calendly.key"):
        file = practice.folder / "secrets" / "northstar" / name
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    (path,), (key,) = (practice.secrets.values("northstar", f"calendly.{one}") for one in ("path", "key"))
    assert (first.status, again.status) == (0, 0), first.err + again.err
    assert practice.calendly.addresses() == [f"{url}/hooks/northstar/calendly/{path}"]
    assert f"{url}/hooks/northstar/calendly/{path}" in first.out
    assert list(practice.calendly.keys.values()) == [key]
    assert "heard" in first.out
    assert "nothing was changed" in again.out
    assert key not in first.out + first.err + again.out + again.err


async def test_an_address_that_the_running_service_does_not_take_up_is_never_subscribed(practice: Practice) -> None:
    practice.write("calendly.token", TOKEN)
    async with serve(()) as another:
        answer = await practice.connect("calendly", url=another)
    assert (answer.status, practice.calendly.addresses()) == (1, [])
    assert "CAIRN_PUBLIC_URL leads to another service" in answer.err


async def test_a_key_that_cannot_be_read_is_never_taken_for_a_missing_one(practice: Practice) -> None:
    key = practice.folder / "secrets" / "northstar" / "app.key"
    key.mkdir(parents=True)
    answer = await practice.connect("app")
    assert (answer.status, key.is_dir()) == (2, True)
    assert "app.key of northstar is a folder, and no file with a text" in answer.err


async def test_a_trial_is_noted_and_is_no_word_of_the_tools(practice: Practice) -> None:
    practice.write("app.path", "a-path")
    practice.write("app.key", WHSEC)
    async with practice.service() as url:
        assert (await practice.connect("app", "--tenant", "northstar", url=url)).status == 0
    (row,) = await practice.pool.fetch("SELECT * FROM source_health WHERE tried_at IS NOT NULL")
    assert (row["source"], row["heard_at"], row["accepted_at"], row["failed_at"]) == ("app", None, None, None)
    assert await practice.pool.fetchval("SELECT count(*) FROM source_hours") == 0


@pytest.mark.parametrize(("source", "key"), [("acuity", "an-api-key"), ("school", "a-site-key"), ("app", WHSEC)])
async def test_a_trial_is_signed_as_each_tool_signs(practice: Practice, source: str, key: str) -> None:
    practice.write(f"{source}.path", "a-path")
    practice.write(f"{source}.key", key)
    async with practice.service() as url:
        answer = await practice.connect(source, url=url)
        assert "answered with 202 and heard" in answer.out
        others = SecretFiles(practice.folder / "others")
        others.put("northstar", f"{source}.path", "a-path")
        others.put("northstar", f"{source}.key", WHSEC[:-1] + "x" if source == "app" else "another-key")
        answer = await practice.connect(source, url=url, secrets="others")
    assert answer.status == 1
    assert f"has another key in {source}.key" in answer.err


async def test_a_key_that_the_running_service_has_not_taken_up_yet_is_waited_for(practice: Practice) -> None:
    for secrets, key in ((practice.secrets, "the-key-before"), (SecretFiles(practice.folder / "others"), "a-site-key")):
        secrets.put("northstar", "school.path", "a-path")
        secrets.put("northstar", "school.key", key)
    unsigned = partial(REGISTRY.get_sample_value, "cairn_signature_failures_total", {"source": "thinkific"})
    before = unsigned() or 0
    async with practice.service() as url, asyncio.TaskGroup() as group:
        connecting = group.create_task(practice.connect("school", url=url, secrets="others"))
        await until(lambda: (unsigned() or 0) > before)
        practice.write("school.key", "a-site-key")
        answer = await connecting
    assert "answered with 202 and heard" in answer.out, answer.err


async def test_what_the_vendor_gives_is_asked_for_by_file_after_the_address_was_shown(practice: Practice) -> None:
    answer = await practice.connect("school")
    assert answer.status == 2
    assert "/hooks/northstar/school/" in answer.out
    assert "1. In Thinkific" in answer.out
    assert "secrets/northstar/school.key" in answer.err


async def test_a_vendor_that_does_not_know_us_changes_nothing_and_says_what_to_do(practice: Practice) -> None:
    practice.write("calendly.token", "guessed-token")
    answer = await practice.connect("calendly", "--no-trial")
    assert answer.status == 2
    assert "Calendly answers with status 401" in answer.err
    assert "calendly.token" in answer.err
    assert "guessed-token" not in answer.out + answer.err


async def test_a_vendor_that_fails_is_told_apart_from_one_that_refuses(practice: Practice) -> None:
    practice.write("school.key", "a-site-key")
    practice.thinkific.refusals.extend([(500, {})] * 3)
    answer = await practice.connect("school", "--no-trial")
    assert answer.status == 3
    assert "run the same command again later" in answer.err


async def test_a_rotation_keeps_the_old_address_until_the_new_one_is_subscribed(practice: Practice) -> None:
    practice.write("calendly.token", TOKEN)
    assert (await practice.connect("calendly", "--no-trial", url="https://one.example.org")).status == 0
    (old,) = practice.secrets.values("northstar", "calendly.path")
    assert (await practice.connect("calendly", "--rotate", url="https://one.example.org")).status == 0
    new, still = practice.secrets.values("northstar", "calendly.path")
    assert still == old
    assert practice.calendly.addresses() == [f"https://one.example.org/hooks/northstar/calendly/{old}"]
    again = await practice.connect("calendly", "--rotate", url="https://one.example.org")
    assert again.status == 1
    assert "cairn secrets retire northstar calendly.path" in again.err
    assert (await practice.connect("calendly", "--no-trial", url="https://one.example.org")).status == 0
    assert practice.calendly.addresses() == [f"https://one.example.org/hooks/northstar/calendly/{new}"]
    assert list(practice.calendly.keys.values())[-1] == practice.secrets.values("northstar", "calendly.key")[0]


async def test_a_rotation_is_taken_up_by_the_running_service(practice: Practice) -> None:
    practice.write("calendly.token", TOKEN)
    async with practice.service() as url:
        for words in ((), ("--rotate",), ()):
            answer = await practice.connect("calendly", *words, url=url)
            assert answer.status == 0, answer.err
    new, _ = practice.secrets.values("northstar", "calendly.path")
    assert practice.calendly.addresses() == [f"{url}/hooks/northstar/calendly/{new}"]


async def test_a_key_that_a_person_hands_to_the_tool_is_shown_once_also_where_its_file_is_sealed(
    practice: Practice,
) -> None:
    seal = Fernet.generate_key().decode()
    sealed = SecretFiles(practice.folder / "secrets", [seal])
    made = await practice.connect("app", CAIRN_SECRETS_KEY=seal)
    (first,) = sealed.values("northstar", "app.key")
    again = await practice.connect("app", CAIRN_SECRETS_KEY=seal)
    rotated = await practice.connect("app", "--rotate", CAIRN_SECRETS_KEY=seal)
    second, _ = sealed.values("northstar", "app.key")
    after = await practice.connect("app", CAIRN_SECRETS_KEY=seal)
    assert first.startswith("whsec_")
    for key, shown in ((first, made), (second, rotated)):
        answers = (made, again, rotated, after)
        assert [one.out.count(key) for one in answers] == [one is shown for one in answers]
        assert not any(key in one.err for one in answers)


async def test_a_lost_signing_key_is_made_anew_with_its_subscription(practice: Practice) -> None:
    practice.write("calendly.token", TOKEN)
    assert (await practice.connect("calendly", "--no-trial", url="https://one.example.org")).status == 0
    (practice.folder / "secrets" / "northstar" / "calendly.key").unlink()
    answer = await practice.connect("calendly", "--no-trial", url="https://one.example.org")
    assert "whose signing key is lost" in answer.out
    (own_id,) = practice.calendly.subscriptions
    assert practice.calendly.keys[own_id] == practice.secrets.values("northstar", "calendly.key")[0]


async def test_nobody_at_the_public_address_is_told(practice: Practice) -> None:
    practice.write("app.key", WHSEC)
    answer = await practice.connect("app")
    assert answer.status == 1
    assert "nobody answers at the public address" in answer.err


async def test_a_source_that_is_asked_has_no_address_and_lacks_its_token_until_that_is_written(
    practice: Practice,
) -> None:
    answer = await practice.connect("habits")
    assert (answer.status, "hooks" in answer.out) == (2, False)
    assert "1. Nothing is sent to us" in answer.out
    assert "secrets/northstar/habits.key" in answer.err


async def test_a_tracker_is_asked_once_with_its_token_and_takes_nothing_in(practice: Practice) -> None:
    practice.write("habits.key", TRACKER_TOKEN)
    practice.tracker.check("ada@example.org", "walk", date.max)
    answer = await practice.connect("habits")
    assert (answer.status, practice.tracker.requests) == (0, 1), answer.err
    assert "tells a list: address and token fit" in answer.out
    assert await practice.pool.fetchval("SELECT count(*) FROM source_health") == 0


async def test_a_tracker_that_does_not_know_the_token_says_which_file_to_mend(practice: Practice) -> None:
    practice.write("habits.key", "guessed-token")
    answer = await practice.connect("habits")
    assert answer.status == 2
    assert "the habit tracker answers with status 401" in answer.err
    assert "habits.key" in answer.err
    assert "guessed-token" not in answer.out + answer.err


async def test_a_tracker_that_is_away_is_asked_again_later(practice: Practice) -> None:
    practice.write("habits.key", TRACKER_TOKEN)
    practice.tracker.faults.extend([503] * 3)
    answer = await practice.connect("habits")
    assert answer.status == 3
    assert "the habit tracker answers with status 503" in answer.err


async def test_a_slip_in_a_name_is_answered_with_those_that_there_are(practice: Practice) -> None:
    answer = await practice.connect("calendli")
    assert answer.status == 2
    assert "acuity, app, calendly, habits, school" in answer.err
    assert "northstar" in (await practice.connect("calendly", "--tenant", "southstar")).err
