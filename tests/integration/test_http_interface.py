"""The public port as its OpenAPI document has it: Schemathesis asks the running service, with a practice in it.

It sends what the document allows and what it does not, over every operation, and holds each answer against the
document: the status, the media type and every field. Signed hooks are fuzzed in `tests/integration/intake`.
"""

import asyncio
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jwt
import yaml

from agents.web.access import create_key
from agents.web.links import UnsubscribeLinks
from agents.web.openapi import FILE
from agents.web.preference_links import PreferenceLinks
from tests.integration.waiting import thirty_six, wait_for_coach
from tests.integration.whole_practice import INBOX_KEY, LINK_KEY, TENANT, Running

SCHEMATHESIS = Path(sys.executable).with_name("st")
GROWTH_BYTES = 128 * 1024 * 1024
CONFIG = """
seed = 1
continue-on-failure = true
[parameters]
"path.tenant" = "northstar"
"path.client" = "{client}"
"path.source" = "school"
"path.secret" = "a-path"
"path.id" = "{approval}"
[auth.openapi]
key = {{ bearer = "{key}" }}
reader = {{ bearer = "{reader}" }}
[checks]
# `test_doors` asks every route without a token; no operation makes what another takes.
ignored_auth.enabled = false
use_after_free.enabled = false
ensure_resource_availability.enabled = false
object_level_authorization.enabled = false
# Who keeps presenting no token is answered 429, as documented.
missing_required_header.expected-statuses = [401, 429]
[[operations]]
# A rule that no rulebook has, a placeholder in a text, a channel that the tenant has not set up, half a form:
# no schema can say it.
include-operation-id = ["pauseTenant", "pauseAll", "approve", "changePreferences", "takeReply", "unsubscribe",
                        "flipPreference", "answerApprovalPage"]
checks.positive_data_acceptance.enabled = false
[[operations]]
# A tool would switch its hooks off: what opens the door is taken, and set aside if it means nothing.
include-operation-id = "takeHook"
checks.negative_data_rejection.enabled = false
[[operations]]
include-path = "/u/{{token}}"
parameters = {{ token = "{unsubscribe}" }}
[[operations]]
include-path = "/p/{{token}}"
parameters = {{ token = "{preferences}" }}
"""


async def live(practice: Running) -> str:
    """Somebody reaches something, so that most of what can be asked for is there, and a tool that signs nothing may
    bring what it likes."""
    tenant = TENANT.replace("name: app}", "name: app}, {kind: teachable, name: school}")
    (practice.folder / "tenants/northstar/tenant.yaml").write_text(tenant, encoding="utf-8")
    (practice.folder / "secrets/northstar/school.path").write_text("a-path", encoding="utf-8")
    await practice.until(lambda: is_open(practice), "the school's door")
    await practice.hook("goal.completed", "m1", goal_id="g1", title="Row")
    # At once with what follows, both would be one message, and not in the app:
    await practice.until(lambda: practice.asked("SELECT count(*) > 0 FROM inbox"), "a message in the app")
    await practice.hook("session.completed", "m2", session_id="s1", title="Coaching")
    return str(await practice.asked("SELECT client FROM clients WHERE profile IS NOT NULL"))


async def is_open(practice: Running) -> bool:
    async with practice.session.post(f"{practice.url}/hooks/northstar/school/a-path", data=b"[]") as answer:
        return answer.status == 202


async def configured(practice: Running, client: str, folder: Path) -> Path:
    claims = {"tenant": "northstar", "sub": client, "aud": "cairn-inbox", "exp": int(time.time()) + 3600}
    unsubscribe = UnsubscribeLinks(practice.url, LINK_KEY).token(tenant="northstar", client=client, channel="email")
    config = folder / "schemathesis.toml"
    config.write_text(
        CONFIG.format(
            client=client,
            approval=await wait_for_coach(practice.pool, "email", "in_app", milestone=thirty_six(client)),
            key=await create_key(practice.pool, name="ops", tenant=None),
            reader=jwt.encode(claims, INBOX_KEY, "HS256"),
            unsubscribe=unsubscribe,
            preferences=PreferenceLinks(practice.url, LINK_KEY).token(tenant="northstar", client=client),
        ),
        encoding="utf-8",
    )
    return config


def closed(schema: Any) -> Any:
    """The document without room for a field that it does not name."""
    if isinstance(schema, Mapping):
        found = {name: closed(one) for name, one in schema.items()}
        return {"additionalProperties": False, **found} if schema.get("type") == "object" else found
    return [closed(one) for one in schema] if isinstance(schema, list) else schema


def resident_bytes(practice: Running) -> float:
    return sum(map(float, re.findall(r"^process_resident_memory_bytes (\S+)$", practice.metrics(), re.MULTILINE)))


async def test_every_answer_is_as_the_document_has_it(running: Running, tmp_path: Path) -> None:
    config = await configured(running, await live(running), tmp_path)
    document = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    (tmp_path / "openapi.yaml").write_text(yaml.safe_dump(closed(document)), encoding="utf-8")
    before = resident_bytes(running)
    asked = await asyncio.to_thread(
        subprocess.run,
        (
            SCHEMATHESIS, "--config-file", config, "run", tmp_path / "openapi.yaml", "--url", running.url,
            "--phases", "coverage,fuzzing", "--max-examples", "10",
            "--exclude-operation-id", "followInbox",  # does not end
        ),
        capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert asked.returncode == 0, asked.stdout + asked.stderr
    operations = sum(len(methods) for methods in document["paths"].values())
    assert f"Tested: {operations - 1}" in " ".join(asked.stdout.split())
    assert "Traceback" not in running.logs()
    assert resident_bytes(running) - before < GROWTH_BYTES
