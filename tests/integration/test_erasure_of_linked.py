"""Whoever was two clients is erased as both, by either id: database, topics, logs and metrics are searched, whole."""

import json

from tests.integration.test_erasure import TITLE, holds_person, operator, search
from tests.integration.whole_practice import NAME, PHONE, Running

OLD = "platform-9"
PROFILE = {"name": NAME, "email": "z.quorndike@work.example", "phone": PHONE, "birthday": "05-09"}


async def test_a_person_who_was_two_clients_is_erased_as_both_by_the_old_id(running: Running) -> None:
    await running.produce(f"northstar/{OLD}", json.dumps(PROFILE).encode())
    await running.hook("goal.completed", "m1", goal_id="g1", title=TITLE)
    await running.until(lambda: running.asked("SELECT count(*) > 0 FROM inbox"), "a message in the app")
    client = await running.asked("SELECT client FROM inbox")
    address = f"{running.url}/v1/admin/tenants/northstar/clients"
    headers = await operator(running)
    async with running.session.post(f"{address}/{client}/links", json={"client": OLD}, headers=headers) as answer:
        assert answer.status == 200, await answer.text()
    caught_up = "SELECT caught_up_at IS NOT NULL FROM client_links"
    await running.until(lambda: running.asked(caught_up), "the old id's history")
    emptied = f"SELECT profile = '{{}}' FROM clients WHERE client = '{OLD}'"  # noqa: S608 - our id
    await running.until(lambda: running.asked(emptied), "the old id's profile to be empty")
    joined = f"SELECT profile ->> 'birthday' FROM clients WHERE client = '{client}'"  # noqa: S608 - our id
    await running.until(lambda: running.asked(joined), "the joint profile")
    assert holds_person(await running.database())
    async with running.session.delete(f"{address}/{OLD}", headers=headers) as answer:
        assert answer.status == 202
    erased = "SELECT count(*) = 2 FROM clients WHERE erased_at IS NOT NULL"
    await running.until(lambda: running.asked(erased), "both tombstones to arrive")
    await search(running)

    await running.hook("goal.completed", "m2", goal_id="g2", title=TITLE)
    await running.produce(f"northstar/{OLD}", json.dumps(PROFILE).encode())
    await running.produce(f"northstar/{OLD}", None)  # whoever publishes profiles takes back what they published
    await search(running)
