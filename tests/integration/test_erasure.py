"""A person who is erased is nowhere any more: database, topics, logs and metrics are searched for them, whole."""

import json
import time

import jwt
from aiokafka import ConsumerRecord

from agents.web.access import create_key
from agents.web.preference_links import PreferenceLinks
from schemas.topics import CLIENTS
from tests.integration.whole_practice import ADDRESS, INBOX_KEY, LINK_KEY, NAME, PHONE, Running

TITLE = "Row faster than grandfather vexlimoor"
PERSON = ("zyxilla", "quorndike", "4366099887766")
WORDS = (*PERSON, "vexlimoor")
"""Beside the person, the title of their goal: it stays on topics, under the pseudonym, as long as they keep records."""


def holds_person(text: str | bytes | None, words: tuple[str, ...] = PERSON) -> bool:
    raw = text.encode() if isinstance(text, str) else text or b""
    return any(word.encode() in raw.lower() for word in words)


def told_of(records: list[ConsumerRecord]) -> list[str]:
    """The topics of which a reader still gets the person: of a compacted one the last record of each key counts."""
    last = {(record.topic, record.partition, record.key): record.offset for record in records}
    return [
        record.topic
        for record in records
        if record.topic != CLIENTS or last[record.topic, record.partition, record.key] == record.offset
        if any(map(holds_person, (record.key, record.value, *(part for _, part in record.headers))))
    ]


PARKED = """
INSERT INTO refused_records (topic, partition, "offset", reason, detail, key, value)
VALUES ('coaching.milestones.v1', 0, 1000000, 'unknown_tenant', 'no folder of this name is among the tenants', $1, $2)
"""


async def live(practice: Running) -> str:
    """The person comes to every place that there is; returns the client's id."""
    await practice.hook("goal.completed", "m1", goal_id="g1", title=TITLE)
    await practice.hook("goal.completed", "m2", goal_id="g2", title=TITLE)
    mailed = "SELECT count(*) FROM deliveries WHERE channel = 'email' AND state = 'sent'"
    await practice.until(lambda: practice.asked(mailed), "a mail")  # at once with what follows, both would be one
    await practice.hook("session.completed", "m3", session_id="s1", title="Coaching")
    await practice.until(lambda: practice.asked(f"SELECT ({mailed}) = 2"), "two mails")
    await practice.until(lambda: practice.asked("SELECT count(*) > 0 FROM inbox"), "a message in the app")
    client = str(await practice.asked("SELECT client FROM clients WHERE profile IS NOT NULL"))
    claims = {"tenant": "northstar", "sub": client, "aud": "cairn-inbox", "exp": int(time.time()) + 600}
    reader = {"Authorization": f"Bearer {jwt.encode(claims, INBOX_KEY, 'HS256')}"}
    said = {"consents": {"marketing": False}, "channels": {"in_app": False}}
    async with practice.session.put(f"{practice.url}/v1/preferences", json=said, headers=reader) as answer:
        assert answer.status == 200, await answer.text()
    page = PreferenceLinks(practice.url, LINK_KEY).url(tenant="northstar", client=client)
    async with practice.session.post(page, data={"name": "story", "choice": "on"}) as answer:
        assert answer.status == 200
    admin = f"{practice.url}/v1/admin/tenants/northstar/clients/{client}"
    async with practice.session.put(
        f"{admin}/suppression", json={"reason": f"{NAME} asked for quiet"}, headers=await operator(practice)
    ) as answer:
        assert answer.status == 204
    await practice.produce(f"northstar/{client}-2", b'{"name": "' + NAME.encode() + b'", "timezone": "Mars"}')
    await practice.until(lambda: practice.asked("SELECT count(*) = 1 FROM refused_records"), "a refused profile")
    await practice.pool.execute(PARKED, f"northstar/{client}".encode(), TITLE.encode())
    return client


async def operator(practice: Running) -> dict[str, str]:
    return {"Authorization": f"Bearer {await create_key(practice.pool, name='ops', tenant=None)}"}


async def erase(practice: Running, client: str) -> None:
    address = f"{practice.url}/v1/admin/tenants/northstar/clients/{client}"
    async with practice.session.delete(address, headers=await operator(practice)) as answer:
        assert answer.status == 202
    erased = f"SELECT count(*) = 1 FROM clients WHERE client = '{client}' AND erased_at IS NOT NULL"  # noqa: S608 - our id
    await practice.until(lambda: practice.asked(erased), "the tombstone to arrive")


async def test_a_person_who_was_erased_is_found_nowhere_and_does_not_come_back(running: Running) -> None:
    client = await live(running)
    assert holds_person(await running.database())
    assert CLIENTS in told_of(await running.records())
    await erase(running, client)
    await running.produce(f"northstar/{client}-2", None)
    await search(running)

    await running.hook("goal.completed", "m4", goal_id="g3", title=TITLE)
    profile = {"name": NAME, "email": ADDRESS, "phone": PHONE}
    await running.produce(f"northstar/{client}", json.dumps(profile).encode())
    await running.produce(f"northstar/{client}", None)  # whoever publishes profiles takes back what they published
    await search(running)
    assert await running.asked("SELECT count(*) FROM deliveries WHERE state IN ('pending', 'held', 'deferred')") == 0


async def search(practice: Running) -> None:
    """Whatever holds the person is named, with the place."""
    left = [line[:200] for line in (await practice.database()).splitlines() if holds_person(line, WORDS)]
    assert left == []
    assert told_of(await practice.records()) == []
    assert [line for line in practice.logs().splitlines() if holds_person(line)] == []
    assert not holds_person(practice.metrics())
    spooled = [path.name for path in (practice.folder / "spool").rglob("*") if path.is_file()]
    assert [name for name in spooled if holds_person((practice.folder / "spool" / name).read_bytes())] == []
