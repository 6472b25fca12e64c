"""The OpenAPI 3.1 document of the public port: `python -m agents.web.openapi` writes it beside the other contracts.

It is made of `agents.web.operations` and of the types that the handlers read and answer with, so it cannot name a
field that they do not. What authenticates a hook or a page is a path or a signature of its own, which OpenAPI has no
word for: those operations say so in their tag.
"""

import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, get_args

from pydantic import TypeAdapter

from agents.web.keepsake_links import BADGE_SIZES_PX
from agents.web.operations import FORM, OPERATIONS, SIGNED, HookAnswer, Operation, Problem
from schemas.contracts.readable_yaml import readable_yaml
from schemas.provider_event import ProviderName

FILE: Final = Path(__file__).parents[2] / "schemas" / "contracts" / "openapi.yaml"
_REF: Final = "#/components/schemas/{model}"
_MEDIA: Final = re.compile(r"[a-z]+/[a-z-]+")
_ID: Final = {"type": "string", "minLength": 1, "maxLength": 128, "pattern": r"^[^\s/]+$"}
_PARAMETERS: Final[Mapping[str, Any]] = {
    "tenant": _ID,
    "client": _ID,
    "task": {"type": "integer", "minimum": 1},
    "size": {"enum": list(BADGE_SIZES_PX)},
    "provider": {"enum": list(get_args(ProviderName))},
}
_SECURITY: Final = {"administration": "key", "inbox": "reader", "preferences": "reader"}
_TAGS: Final = {
    "hooks": "What tools send; the address holds a secret, and most vendors sign the body.",
    "administration": "For operators and platforms, with a key of `cairn keys create`.",
    "inbox": "What a client reads in the platform's app, with a token that the platform signs for them.",
    "preferences": "What a client gets and has agreed to, with the same token.",
    "providers": "What those say who carry our messages; each call is signed.",
    "pages": "What people open; the address holds a signed token.",
}
_PROBLEMS: Final[Mapping[int, str]] = {
    400: "It cannot be understood; `detail` says what to correct.",
    401: "A valid bearer token is required.",
    403: "Not signed with a secret of the tenant, or a key for another tenant.",
    404: "There is none, or it is not yours.",
    408: "The body did not arrive in time.",
    409: "Somebody was first, or the two cannot be one; `detail` says why.",
    413: "The body is too large.",
    429: "Too many attempts with a wrong token; a right one is not kept waiting.",
    500: "Ours to mend; tell it again, what was taken is not applied twice.",
    503: "Ours to mend; send it again.",
}
_INFO: Final = {
    "title": "Cairn",
    "version": "1.0.0",
    "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
    "description": """\
The public port of `cairn serve`. What travels on Kafka stands in asyncapi.yaml beside this.

Errors are problems (RFC 9457), but for hooks, whose senders read the status alone. 503 is ours to mend: send it
again after `Retry-After`.

Evolution: within v1 fields are only added. Ignore those that you do not know.""",
}


def openapi() -> dict[str, Any]:
    """The document."""
    shapes, definitions = _schemas()
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = _operation(operation, shapes)
    return {
        "openapi": "3.1.0",
        "info": _INFO,
        "servers": [{"url": "{public_url}", "variables": {"public_url": {"default": "http://localhost:8080"}}}],
        "tags": [{"name": name, "description": text} for name, text in _TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": definitions,
            "responses": {_problem_name(status): _problem(status, shapes[Problem]) for status in _PROBLEMS},
            "securitySchemes": _security_schemes(),
        },
    }


def _security_schemes() -> dict[str, Any]:
    claims = "HS256 with the tenant's `inbox_key`: `tenant`, `sub` (client), `aud` cairn-inbox, `exp` within 24 hours."
    return {
        "key": {"type": "http", "scheme": "bearer", "bearerFormat": "cairn_…", "description": "`cairn keys create`."},
        "reader": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": claims},
    }


def _operation(operation: Operation, shapes: Mapping[Any, Any]) -> dict[str, Any]:
    parameters = [_parameter("path", name, _PARAMETERS.get(name)) for name in re.findall(r"{(\w+)}", operation.path)]
    parameters += [_parameter("query", name, shapes[_key(kind)]) for name, kind in operation.query.items()]
    answers = {status: _answer(status, kind, shapes) for status, kind in operation.answers.items()}
    answers |= {status: {"$ref": f"#/components/responses/{_problem_name(status)}"} for status in operation.problems}
    found: dict[str, Any] = {"operationId": operation.name, "tags": [operation.tag], "summary": operation.summary}
    if operation.tag in _SECURITY:
        found["security"] = [{_SECURITY[operation.tag]: []}]
    if parameters:
        found["parameters"] = parameters
    if operation.body:
        found["requestBody"] = {"required": operation.body_is_needed, "content": _content(operation.body, shapes)}
    found["responses"] = {str(status): answers[status] for status in sorted(answers)}
    return found


def _parameter(place: str, name: str, schema: Mapping[str, Any] | None) -> dict[str, Any]:
    return {"name": name, "in": place, "required": place == "path", "schema": schema or {"type": "string"}}


def _answer(status: int, kind: Any, shapes: Mapping[Any, Any]) -> dict[str, Any]:
    return {
        "description": HTTPStatus(status).phrase,
        **_headers(status, is_needed=kind is HookAnswer),
        **({} if kind is None else {"content": _content(kind, shapes)}),
    }


def _problem(status: int, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "description": _PROBLEMS[status],
        **_headers(status, is_needed=True),
        "content": {"application/problem+json": {"schema": schema}},
    }


def _headers(status: int, *, is_needed: bool) -> dict[str, Any]:
    again = {"Retry-After": {"required": True, "schema": {"type": "integer"}, "description": "Seconds."}}
    return {"headers": again} if is_needed and status in (429, 503) else {}


def _problem_name(status: int) -> str:
    return HTTPStatus(status).phrase.title().replace(" ", "")


def _content(kind: Any, shapes: Mapping[Any, Any]) -> dict[str, Any]:
    if kind in (FORM, SIGNED):
        fields = {"type": "object", "additionalProperties": {"type": "string"}}
        return {media: {"schema": fields if media in FORM else {}} for media in kind}
    if isinstance(kind, str):
        return {kind: {"schema": {"type": "string"}}}
    return {"application/json": {"schema": shapes[_key(kind)]}}


def _key(kind: Any) -> Any:
    return kind if isinstance(kind, type) else repr(kind)


def _kinds() -> Iterable[tuple[Any, Any, TypeAdapter[Any]]]:
    """What has a schema: bodies and queries as they are read, answers as they are written."""
    read = [kind for one in OPERATIONS for kind in (one.body, *one.query.values())]
    written = [Problem, *(kind for one in OPERATIONS for kind in one.answers.values())]
    for mode, kinds in (("validation", read), ("serialization", written)):
        shapes = (kind for kind in kinds if kind not in (None, FORM, SIGNED) and not isinstance(kind, str))
        for key, kind in {_key(kind): kind for kind in shapes}.items():
            yield key, mode, TypeAdapter(kind)


def _schemas() -> tuple[dict[Any, Any], dict[str, Any]]:
    """The schema of each type, and the definitions that they refer to."""
    found, whole = TypeAdapter.json_schemas(list(_kinds()), ref_template=_REF)
    definitions = {name: _without_titles(one) for name, one in sorted(whole.get("$defs", {}).items())}
    return {kind: _without_titles(schema) for (kind, _), schema in found.items()}, definitions


def _without_titles(schema: Any) -> Any:
    """Titles repeat the names of fields."""
    if isinstance(schema, dict):
        return {name: _without_titles(one) for name, one in schema.items() if name != "title" or isinstance(one, dict)}
    return [_without_titles(one) for one in schema] if isinstance(schema, list) else schema


if __name__ == "__main__":
    FILE.write_text(readable_yaml(openapi()), encoding="utf-8")
