"""The read-out on a real database: what clients did, each counted once, and what is honest to say of it."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from agents.cli import load
from agents.content_audit import stale_content
from agents.ledger.outcomes import Group, groups, met, renewals_of_hold_out, sent
from agents.tenants import Tenant
from schemas.rulebook import load_rulebook
from streams.outcomes.shares import Share
from tests.integration.ledger.ledger_practice import Practice
from tests.sample_milestones import tenant

APP = load()

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def ago(days: float) -> datetime:
    return datetime.now(UTC) - timedelta(days=days)


async def told(  # noqa: PLR0913 - keyword-only, each another column
    practice: Practice, client: str, *, days: float, variant: str | None = "words/plain", tier: str = "streak",
    channel: str = "email", opened: bool = False, clicked: bool = False, state: str = "sent", rule: str = "iron-streak",
) -> None:  # fmt: skip
    """A message reached a client so many days ago."""
    key = f"{client}-{rule}-{days}-{channel}"
    await practice.pool.execute(
        "INSERT INTO milestones (milestone_id, revision, retracted, tenant, client, rule, tier, reached_at, record, "
        "heard_at) VALUES ($1, 1, false, 'northstar', $2, $3, $4, now(), $5::jsonb, $6)",
        key, client, rule, tier, '{"kind": "streak", "name": "x"}', ago(days),
    )  # fmt: skip
    await practice.pool.execute(
        "INSERT INTO celebrations (celebration_id, milestone_id, revision, tenant, client, rule, tier, mode, outcome, "
        "planned_at, due_at, expires_at, heard_at, variant) "
        "VALUES ($1, $1, 1, 'northstar', $2, $3, $4, 'live', 'send', now(), now(), now(), now(), $5)",
        key, client, rule, tier, variant,
    )  # fmt: skip
    await practice.pool.execute(
        "INSERT INTO deliveries (delivery_id, celebration_id, channel, tenant, client, rule, tier, state, due_at, "
        "expires_at, heard_at, finished_at, opened_at, clicked_at) VALUES ($1, $1, $3, 'northstar', $2, $4, $5, $6, "
        "now(), now(), now(), $7, $8, $9)",
        key, client, channel, rule, tier, state, ago(days), *(ago(days) if did else None for did in (opened, clicked)),
    )  # fmt: skip


async def renews(practice: Practice, client: str, *, days: float) -> None:
    """The profile's day of renewal moved on so many days ago."""
    await practice.meet(client, renewal_on="2026-06-01")
    await practice.meet(client, renewal_on="2026-09-01")
    await practice.pool.execute("UPDATE renewals SET heard_at = $2 WHERE client = $1", client, ago(days))


async def leaves(practice: Practice, client: str, *, days: float) -> None:
    await practice.pool.execute(
        "INSERT INTO opt_outs (tenant, client, channel, source, opted_out_at) "
        "VALUES ('northstar', $1, 'email', 'link', $2)",
        client, ago(days),
    )  # fmt: skip


async def only(practice: Practice, **options: object) -> Group:
    asked = {"experiment": "words", "since": LONG_AGO, **options}
    (group,) = await groups(practice.pool, **asked)  # type: ignore[arg-type]
    return group


async def test_a_client_counts_once_however_many_messages_came(practice: Practice) -> None:
    await practice.meet("ana")
    await practice.meet("bo")
    await told(practice, "ana", days=3, opened=True)
    await told(practice, "ana", days=2, clicked=True)
    await told(practice, "bo", days=1)
    group = await only(practice)
    assert (group.name, group.clients, group.messages) == ("plain", 2, 3)
    assert (group.opened, group.clicked) == (Share(count=1, of=2), Share(count=1, of=2))


async def test_what_did_not_reach_anybody_or_was_longer_ago_is_left_out(practice: Practice) -> None:
    await practice.meet("ana")
    await told(practice, "ana", days=3, state="bounced")
    await told(practice, "ana", days=40)
    await told(practice, "ana", days=4, channel="badge")
    await told(practice, "ana", days=5, variant="other/plain")
    assert await groups(practice.pool, experiment="words", since=ago(30)) == ()
    assert (await only(practice)).messages == 1
    assert await groups(practice.pool, experiment="words", since=LONG_AGO, tenant="other") == ()


async def test_somebody_left_within_a_week_only_if_a_week_is_over(practice: Practice) -> None:
    for client in ("ana", "bo", "cy", "di"):
        await practice.meet(client)
    await told(practice, "ana", days=20)
    await leaves(practice, "ana", days=15)
    await told(practice, "bo", days=20)
    await leaves(practice, "bo", days=10)
    await told(practice, "cy", days=20)
    await leaves(practice, "cy", days=25)
    await told(practice, "di", days=2)
    await leaves(practice, "di", days=1)
    assert (await only(practice)).opted_out == Share(count=1, of=3)


async def test_somebody_renewed_within_ninety_days_only_if_they_are_over_and_a_day_is_known(practice: Practice) -> None:
    await told(practice, "ana", days=200)
    await renews(practice, "ana", days=150)
    await told(practice, "bo", days=200)
    await renews(practice, "bo", days=100)
    await told(practice, "cy", days=200)
    await renews(practice, "cy", days=201)
    await told(practice, "di", days=50)
    await renews(practice, "di", days=10)
    await told(practice, "ed", days=200)
    await practice.meet("ed")
    assert (await only(practice)).renewed == Share(count=1, of=3)


async def test_a_day_of_renewal_that_is_new_or_earlier_or_the_same_is_no_renewal(practice: Practice) -> None:
    async def renewals() -> int:
        return int(await practice.pool.fetchval("SELECT count(*) FROM renewals"))

    for day in ("2026-06-01", "2026-06-01", "2026-05-01", None, "2026-07-01"):
        await practice.meet("ana", renewal_on=day)
        assert await renewals() == 0
    await practice.meet("ana", renewal_on="2026-10-01")
    await practice.meet("ana", renewal_on="2026-10-01", name="Ana S.")
    assert await renewals() == 1
    await practice.erase("ana")
    assert await renewals() == 0


async def test_the_erased_are_counted_nowhere(practice: Practice) -> None:
    await practice.meet("ana")
    await told(practice, "ana", days=200)
    await practice.erase("ana")
    assert await groups(practice.pool, experiment=None, since=LONG_AGO) == ()
    assert (await renewals_of_hold_out(practice.pool, since=LONG_AGO))["celebrated"] == Share(count=0, of=0)


async def test_the_held_out_are_compared_with_those_who_were_never_held_out(practice: Practice) -> None:
    await told(practice, "ana", days=200)
    await renews(practice, "ana", days=150)
    for client in ("bo", "cy"):
        await practice.meet(client, renewal_on="2026-06-01")
        await practice.pool.execute(
            "INSERT INTO decisions (milestone_id, revision, tenant, client, part, outcome, reason, decided_at, "
            "created_at) VALUES ('m', 1, 'northstar', $1, 'celebration', 'skip', 'hold_out', now(), $2)",
            client, ago(180),
        )  # fmt: skip
    await told(practice, "cy", days=170, tier="major")
    await renews(practice, "cy", days=100)
    found = await renewals_of_hold_out(practice.pool, since=LONG_AGO)
    assert found == {"held out": Share(count=1, of=2), "celebrated": Share(count=1, of=1)}


@pytest.fixture
def folder(tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tenant whose rulebook compares words, the second in the alphabet first."""
    own = tmp_path / "tenants" / "northstar"
    (own / "templates" / "en").mkdir(parents=True)
    (own / "tenant.yaml").write_text(
        "name: Northstar\ntimezone: UTC\nsender: {from_name: Jo, from_address: jo@northstar.example}\n"
    )
    (own / "coaches.yaml").write_text("coaches: [{id: jo, name: Jo, email: jo@northstar.example}]\n")
    (own / "rulebook.yaml").write_text(RULEBOOK)
    monkeypatch.setenv("CAIRN_DATABASE_URL", database)
    monkeypatch.setenv("CAIRN_TENANTS_DIR", str(tmp_path / "tenants"))
    monkeypatch.setenv("COLUMNS", "220")
    return own


RULEBOOK = """\
rules:
  - {id: iron-streak, tier: streak, when: {streak: habit.checked, days: [14]}}
  - {id: first-session, tier: micro, when: {count: session.completed, reaches: [1]}}
  - {id: off, tier: micro, enabled: false, when: {count: session.completed, reaches: [2]}}
experiments:
  - {id: words, tiers: [streak], variants: {plain: {}, gaily: {template: gay-streak}, never: {}}}
"""


async def cairn(*words: str) -> tuple[int, str, str]:
    result = await asyncio.to_thread(CliRunner().invoke, APP, words)
    return result.exit_code, result.stdout, result.stderr


@pytest.mark.usefixtures("folder")
async def test_variants_are_compared_with_the_one_that_stands_first_in_the_rulebook(practice: Practice) -> None:
    for number in range(40):
        await practice.meet(f"p{number}")
        await told(practice, f"p{number}", days=10, opened=number < 10)
        await practice.meet(f"g{number}")
        await told(practice, f"g{number}", days=10, opened=number < 30, variant="words/gaily")
    status, text, _ = await cairn("outcomes", "--experiment", "words")
    assert status == 0
    assert "opened: more with gaily than with plain, by +29 to +65 points." in text
    assert "clicked: says nothing yet: gaily may lie anywhere from -9 to +9 points beside plain." in text
    assert "opened: nothing can be said yet, because nobody of the group “never” can be looked at so far." in text
    assert "25% (14-40%) of 40" in text
    _, text, _ = await cairn("outcomes", "--experiment", "words", "--json")
    plain, gaily, never = json.loads(text)["groups"]
    assert (plain["name"], gaily["name"], never["name"]) == ("plain", "gaily", "never")
    assert gaily["opened"]["difference"]["says_nothing"] is False
    assert "difference" not in plain["opened"]


@pytest.mark.usefixtures("folder")
async def test_tiers_are_read_out_and_the_hold_out_is_compared_as_far_as_it_goes(practice: Practice) -> None:
    await told(practice, "ana", days=200, tier="major")
    await renews(practice, "ana", days=150)
    await told(practice, "ana", days=3, variant=None)
    status, text, _ = await cairn("outcomes")
    assert status == 0
    assert "major" in text
    assert "streak" in text
    assert "celebrated: renewed within 90 days 100% (21-100%) of 1" in text
    assert "because nobody of the group “held out” can be looked at so far" in text
    _, text, _ = await cairn("outcomes", "--json")
    assert json.loads(text)["renewed"]["celebrated"] == {"count": 1, "of": 1}


@pytest.mark.usefixtures("folder", "practice")
async def test_who_finds_nothing_is_told_what_to_check() -> None:
    status, _, said = await cairn("outcomes", "--experiment", "wrods")
    assert status == 1
    assert "is it in a rulebook in force" in said
    assert (await cairn("outcomes"))[0] == 1


async def test_rules_and_words_that_are_of_no_use_are_listed(practice: Practice, folder: Path) -> None:
    for name in ("gay-streak.email.txt", "iron-streak.email.txt", "streak.sms.txt", "_part.txt"):
        (folder / "templates" / "en" / name).write_text("Subject: x\n\nx\n")
    await practice.meet("ana")
    unheard = json.loads((await cairn("audit", "content", "--json"))[1])["stale"]
    assert [(each["kind"], each["name"]) for each in unheard] == [("tenant", "northstar")]
    await told(practice, "ana", days=5)
    await told(practice, "ana", days=6, variant="words/gaily", opened=True)
    assert "nobody met it for 6 days" in (await cairn("audit", "content"))[1]  # no longer than the practice is known
    await told(practice, "ana", days=91)
    status, text, _ = await cairn("audit", "content", "--json")
    assert status == 0
    stale = [(each["kind"], each["name"], each["why"]) for each in json.loads(text)["stale"]]
    assert stale == [
        ("rule", "first-session", "nobody met it for 90 days"),
        ("template", "iron-streak.email.txt", "1 messages, and nobody opened one"),
        ("template", "streak.sms.txt", "nobody got it for 90 days"),
    ]
    assert "first-session" in (await cairn("audit", "content", "--tenant", "northstar"))[1]
    assert (await cairn("audit", "content", "--tenant", "nortstar"))[0] == 2


async def test_a_rule_that_everybody_meets_and_nobody_opens_is_listed(practice: Practice, tmp_path: Path) -> None:
    await practice.meet("ana")
    await told(practice, "ana", days=5)
    own = _with_rules(tenant(tmp_path))
    asked = {"tenant": "northstar", "since": ago(90)}
    found = list(stale_content(own, await met(practice.pool, **asked), await sent(practice.pool, **asked), 90))  # type: ignore[arg-type]
    assert [(each.name, each.why) for each in found] == [
        ("iron-streak", "1 messages, and nobody opened one"),
        ("first-session", "nobody met it for 90 days"),
    ]


def _with_rules(one: Tenant) -> Tenant:
    values = {name: getattr(one, name) for name in one.__slots__}
    return Tenant(**{**values, "rulebook": load_rulebook(RULEBOOK, "r")})
