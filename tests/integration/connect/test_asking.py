"""What a vendor says of the hooks to our address, and when that makes a source `disabled`."""

from pathlib import Path

import aiohttp
import pytest

from agents.connect.acuity import AcuitySubscriptions
from agents.connect.asking import Said, ask_vendors
from agents.connect.calendly import CalendlySubscriptions
from agents.connect.thinkific import ThinkificSubscriptions
from agents.secret_files import SecretFiles
from schemas.tenant import AcuitySource, CalendlySource, Source, ThinkificSource
from tests.integration.connect.acuity_server import API_KEY, USER_ID, AcuityHooksServer
from tests.integration.connect.calendly_server import TOKEN, CalendlyServer
from tests.integration.connect.thinkific_server import TOKEN as ACCESS_TOKEN
from tests.integration.connect.thinkific_server import ThinkificServer

OURS = "https://cairn.example.org/hooks/acme/tool/the-path"
MENDS = "`cairn connect tool --tenant acme`"


async def said(folder: Path, session: aiohttp.ClientSession, source: Source, **values: str) -> Said:
    secrets = SecretFiles(folder)
    for name, value in {"path": "the-path", **values}.items():
        secrets.put("acme", f"tool.{name}", value)
    (question,) = ask_vendors({("acme", "tool"): source}, secrets, session)
    return (await question)[1]


@pytest.mark.parametrize("gone", sorted(ThinkificSubscriptions.wanted))
async def test_a_webhook_that_was_deleted_at_thinkific_is_missed_by_its_topic(
    tmp_path: Path, session: aiohttp.ClientSession, gone: str
) -> None:
    async with ThinkificServer() as thinkific:
        for topic in ThinkificSubscriptions.wanted - {gone}:
            thinkific.add(topic, OURS)
        thinkific.add(gone, "https://other.example.org/hook")
        source = ThinkificSource.model_validate({"kind": "thinkific", "name": "tool", "base_url": thinkific.base_url})
        told = await said(tmp_path, session, source, key="a-key", token=ACCESS_TOKEN)
        assert told.is_disabled
        assert gone in str(told.text)
        assert MENDS in str(told.text)
        thinkific.add(gone, OURS)
        assert await said(tmp_path, session, source, key="a-key", token=ACCESS_TOKEN) == Said()


async def test_a_subscription_of_two_events_at_calendly_is_not_whole(
    tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    async with CalendlyServer() as calendly:
        calendly.add(OURS, ["invitee.created", "invitee.canceled"])
        source = CalendlySource.model_validate({"kind": "calendly", "name": "tool", "base_url": calendly.base_url})
        told = await said(tmp_path, session, source, key="a-key", token=TOKEN)
        assert told.is_disabled
        assert "invitee_no_show.created, invitee_no_show.deleted" in str(told.text)
        calendly.add(OURS, sorted(CalendlySubscriptions.wanted))
        assert await said(tmp_path, session, source, key="a-key", token=TOKEN) == Said()


async def test_hooks_that_acuity_may_send_by_a_page_of_its_own_are_not_missed(
    tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    async with AcuityHooksServer() as acuity:
        acuity.add(min(AcuitySubscriptions.wanted), OURS)
        written = {"kind": "acuity", "name": "tool", "account": "1", "user_id": USER_ID, "base_url": acuity.base_url}
        assert await said(tmp_path, session, AcuitySource.model_validate(written), key=API_KEY) == Said()
