"""Whatever arrives, the answer is one of the hooks' table: never a 500, never a trace."""

import asyncio
from typing import Any
from urllib.parse import quote, urlsplit

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from demo.vendors.habits import signed_webhook
from tests.integration.intake.stage import WEBHOOK_SECRET, Stage
from tests.integration.intake.test_calendly import HOOKS as CALENDLY
from tests.integration.intake.test_calendly import signed
from tests.integration.intake.test_teachable import HOOKS as TEACHABLE

ANSWERS = {202, 400, 401, 404, 413}
FUZZED = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
TYPES = st.sampled_from(
    ["habit.checked", "session.booked", "client.updated", "weight.logged", "event.retracted", "Nonsense"]
)
CLIENTS = SCALARS | st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("id", "email", "name", "timezone", "consents", "tags"), VALUES)
)
MESSAGES = st.fixed_dictionaries(
    {"type": TYPES},
    optional={
        "timestamp": st.just("2026-05-08T07:30:00Z") | VALUES,
        "data": st.fixed_dictionaries(
            {"client": CLIENTS}, optional={"habit_id": VALUES, "day": VALUES, "starts_at": VALUES}
        ),
    },
)
INVITEE = sorted(CALENDLY["moved_canceled"]["payload"])
ENVELOPES = st.sampled_from(sorted(TEACHABLE)).flatmap(
    lambda type_: st.dictionaries(st.sampled_from(sorted(TEACHABLE[type_]["object"])), VALUES, max_size=3).map(
        lambda changes: {**TEACHABLE[type_], "object": {**TEACHABLE[type_]["object"], **changes}}
    )
)
HEADER_NAMES = st.sampled_from(
    [
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
        "x-acuity-signature",
        "calendly-webhook-signature",
        "content-type",
        "x-y",
    ]
)
HEADER_BYTES = st.binary(max_size=60).filter(lambda raw: not set(raw) & {0, 10, 13})


@FUZZED
@given(message=MESSAGES)
async def test_a_signed_message_of_any_shape_is_taken(stage: Stage, message: dict[str, Any]) -> None:
    body, headers = signed_webhook(WEBHOOK_SECRET, "m1", message)
    assert await stage.post("tracker", body, headers) == 202


@FUZZED
@given(action=st.text(max_size=30), number=st.text(max_size=30) | st.integers(0, 10**30).map(str))
async def test_a_signed_form_of_any_content_is_taken(stage: Stage, action: str, number: str) -> None:
    form = f"action={quote(action)}&id={quote(number)}".encode()
    assert await stage.post("acuity", form, stage.acuity.sign(form)) == 202


@FUZZED
@given(event=st.sampled_from(sorted(CALENDLY)), payload=VALUES | st.dictionaries(st.sampled_from(INVITEE), VALUES))
async def test_a_signed_invitee_of_any_shape_is_taken(stage: Stage, event: str, payload: Any) -> None:
    whole = CALENDLY[event]["payload"]
    changed = {**whole, **payload} if isinstance(payload, dict) else payload
    body = msgspec.json.encode({**CALENDLY[event], "payload": changed})
    assert await stage.post("calls", body, signed(body)) == 202


@FUZZED
@given(hooks=st.lists(ENVELOPES | VALUES, max_size=4) | ENVELOPES | VALUES)
async def test_a_body_of_any_shape_is_taken_from_who_knows_the_path(stage: Stage, hooks: Any) -> None:
    assert await stage.post("school", msgspec.json.encode(hooks), {}) == 202


@FUZZED
@given(
    source=st.sampled_from(["acuity", "tracker", "calls"]),
    headers=st.lists(st.tuples(HEADER_NAMES, HEADER_BYTES), max_size=4),
    body=st.binary(max_size=100),
)
async def test_raw_headers_and_bodies_get_a_plain_refusal(
    stage: Stage, source: str, headers: list[tuple[str, bytes]], body: bytes
) -> None:
    path = urlsplit(stage.hook_url(source)).path
    lines = b"".join(name.encode() + b": " + value + b"\r\n" for name, value in headers)
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(body)}\r\n".encode()
    status, answer = await raw(stage.url, head + lines + b"\r\n" + body)
    assert status in ANSWERS - {202}
    assert b"Traceback" not in answer


@FUZZED
@given(path=st.text(max_size=40))
async def test_any_path_is_a_plain_refusal(stage: Stage, path: str) -> None:
    target = quote(path, safe="/%")
    status, answer = await raw(
        stage.url, f"POST /hooks/{target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
    )
    assert status in ANSWERS - {202}
    assert b"Traceback" not in answer


async def raw(url: str, request: bytes) -> tuple[int, bytes]:
    reader, writer = await asyncio.open_connection(urlsplit(url).hostname, urlsplit(url).port)
    writer.write(request)
    answer = await reader.read()
    writer.close()
    return int(answer.split(b" ", 2)[1]), answer


async def test_an_answer_is_json_with_one_word_of_status(stage: Stage) -> None:
    async with stage.session.post(f"{stage.url}/hooks/a/b/c") as answer:
        assert msgspec.json.decode(await answer.read()) == {"status": "not found"}
