"""What is asked of Teachable's and Kajabi's APIs, and what becomes of every kind of answer."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiolimiter import AsyncLimiter

from agents.intake.kajabi_api import KajabiApi
from agents.intake.source_away import SourceAway, SourceRefused
from agents.intake.teachable_api import TeachableApi
from tests.integration.intake.course_servers import KajabiServer, TeachableServer

KEY, SECRET = "an-api-key", "a-client-secret"
ANA, SAMPLE = 10228583, "8801"


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def teachable() -> AsyncIterator[TeachableServer]:
    async with TeachableServer(KEY) as server:
        yield server


@pytest.fixture
async def kajabi() -> AsyncIterator[KajabiServer]:
    async with KajabiServer(SECRET) as server:
        yield server


@pytest.fixture
def school(session: aiohttp.ClientSession, teachable: TeachableServer) -> TeachableApi:
    return TeachableApi(session, AsyncLimiter(50, 60), base_url=teachable.base_url, key=KEY)


@pytest.fixture
def site(session: aiohttp.ClientSession, kajabi: KajabiServer) -> KajabiApi:
    return KajabiApi(session, AsyncLimiter(5, 1), base_url=kajabi.base_url, client_id="a-client", client_secret=SECRET)


async def test_a_user_comes_with_their_courses_bare_or_within_user(
    school: TeachableApi, teachable: TeachableServer
) -> None:
    bare = await school.user(ANA)
    teachable.users[str(ANA)] = {"user": teachable.users[str(ANA)]}
    assert bare is not None
    assert bare == await school.user(ANA)
    assert [course["course_id"] for course in bare["courses"]] == [301405, 301406]


async def test_a_contact_comes_with_their_tags(site: KajabiApi) -> None:
    contact = await site.contact(SAMPLE)
    assert contact is not None
    assert [tag["attributes"]["name"] for tag in contact["included"]] == ["Module 1 done", "Newsletter"]


async def test_whom_the_tool_does_not_know_is_nobody(school: TeachableApi, site: KajabiApi) -> None:
    assert (await school.user(1), await site.contact("1")) == (None, None)


async def test_one_token_serves_all_who_ask_until_shortly_before_it_expires(
    site: KajabiApi, kajabi: KajabiServer
) -> None:
    await asyncio.gather(*(site.contact(SAMPLE) for _ in range(5)))
    assert kajabi.tokens == ["token-1"]


@pytest.mark.parametrize("seconds", [30, None, "soon"])
async def test_a_token_that_is_about_to_expire_is_not_used_again(
    site: KajabiApi, kajabi: KajabiServer, seconds: object
) -> None:
    kajabi.expires_in = seconds
    for _ in range(2):
        assert await site.contact(SAMPLE) is not None
    assert kajabi.tokens == ["token-1", "token-2"]


async def test_a_token_that_is_not_accepted_any_more_is_renewed_once_for_all(
    site: KajabiApi, kajabi: KajabiServer
) -> None:
    await site.contact(SAMPLE)
    kajabi.revoke()
    assert all(await asyncio.gather(*(site.contact(SAMPLE) for _ in range(2))))
    assert kajabi.tokens == ["token-1", "token-2"]


async def test_credentials_that_are_refused_say_what_to_do_and_show_none(
    school: TeachableApi, site: KajabiApi, teachable: TeachableServer, kajabi: KajabiServer
) -> None:
    teachable.key = kajabi.secret = "another"
    for asked in (school.user(ANA), site.contact(SAMPLE)):
        with pytest.raises(SourceRefused, match="secret files") as refused:
            await asked
        assert (refused.value.status, refused.value.code) == (401, "source_refused")
        assert not any(secret in str(refused.value) for secret in (KEY, SECRET))


async def test_a_key_without_the_right_is_refused_and_not_asked_for_again(
    site: KajabiApi, kajabi: KajabiServer
) -> None:
    kajabi.foreign.add(SAMPLE)
    with pytest.raises(SourceRefused, match="403"):
        await site.contact(SAMPLE)
    assert (kajabi.tokens, kajabi.requests) == (["token-1"], 2)


async def test_too_many_questions_wait_for_as_long_as_the_tool_says(
    school: TeachableApi, site: KajabiApi, teachable: TeachableServer, kajabi: KajabiServer
) -> None:
    for server in (teachable, kajabi):
        server.faults.append(429)
        server.retry_after = "37"
    for asked in (school.user(ANA), site.contact(SAMPLE)):
        with pytest.raises(SourceAway, match="429") as away:
            await asked
        assert (away.value.retry_after_seconds, away.value.code) == (37, "source_away")
    assert (teachable.requests, kajabi.requests) == (1, 1)


async def test_teachables_own_word_for_how_long_to_wait_is_heeded(
    school: TeachableApi, teachable: TeachableServer
) -> None:
    teachable.resets.append((429, "41"))
    with pytest.raises(SourceAway, match="429") as away:
        await school.user(ANA)
    assert (away.value.retry_after_seconds, teachable.requests) == (41, 1)


@pytest.mark.parametrize("said", [(500, "41"), (503, "0"), (429, "1767225600"), (429, "soon")])
async def test_a_reset_on_another_answer_or_that_is_no_span_of_time_costs_no_try(
    school: TeachableApi, teachable: TeachableServer, said: tuple[int, str]
) -> None:
    teachable.resets.append(said)
    assert await school.user(ANA) is not None
    assert teachable.requests == 2


async def test_a_short_failure_is_tried_again_at_once(
    school: TeachableApi, site: KajabiApi, teachable: TeachableServer, kajabi: KajabiServer
) -> None:
    teachable.faults.extend([503, 500])
    kajabi.faults.extend([502])
    assert await school.user(ANA) is not None
    assert await site.contact(SAMPLE) is not None


@pytest.mark.parametrize("page", ["<html>We are back soon</html>", "[]", "{}", '{"user": null}', '"ok"'])
async def test_a_page_that_is_no_answer_is_a_tool_that_is_away(
    school: TeachableApi, site: KajabiApi, teachable: TeachableServer, kajabi: KajabiServer, page: str
) -> None:
    teachable.page = kajabi.page = page
    for asked in (school.user(ANA), site.contact(SAMPLE)):
        with pytest.raises(SourceAway, match="not"):
            await asked


async def test_what_is_no_token_is_a_tool_that_is_away(session: aiohttp.ClientSession, kajabi: KajabiServer) -> None:
    lost = KajabiApi(
        session, AsyncLimiter(5, 1), base_url=f"{kajabi.base_url}/nowhere", client_id="a-client", client_secret=SECRET
    )
    with pytest.raises(SourceAway, match="not an access token"):
        await lost.contact(SAMPLE)
