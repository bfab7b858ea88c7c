"""The OpenAPI document tells of every route, and no input makes the product answer with a 5xx."""

from __future__ import annotations

import asyncio
import json
import random
import string
import time
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest
import pytest_asyncio
from fastapi import APIRouter
from fastapi.routing import APIRoute

from sojourn.channels.whatsapp.routes import PREFIX as WEBHOOKS
from sojourn.main import HOT, ROUTERS
from sojourn.openapi import PROBLEM_TYPE

from .harness.api import GONE, Api
from .harness.story import Story

pytestmark = pytest.mark.asyncio(loop_scope="session")

METHODS = ("get", "post", "put", "patch", "delete")
HOSTILE_SECONDS = 40.0
SEED = 20_260_303


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def document(product: Story) -> dict[str, Any]:
    """The document as it is served."""
    served: dict[str, Any] = await product.api.get("/v1/openapi.json")
    return served


def routes_of(router: APIRouter) -> Iterator[APIRoute]:
    """Every route of a router, those of routers inside it too."""
    for route in router.routes:
        if isinstance(route, APIRoute):
            yield route
        elif (inner := getattr(route, "original_router", None)) is not None:
            yield from routes_of(inner)


def operations_of(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert method in METHODS
            yield method, path, operation


async def test_every_route_is_in_the_document(document: dict[str, Any]) -> None:
    known = {(method, path) for method, path, _ in operations_of(document)}
    served = {
        (method.lower(), route.path_format)
        for router in ROUTERS
        for route in routes_of(router)
        for method in route.methods or ()
    }
    served |= {("post", path) for path in HOT} | {(method, WEBHOOKS + "{sender_app_key}") for method in ("get", "post")}
    assert len(served) > 80
    assert served - known == set()
    assert known - served == set()


async def test_every_operation_is_described(document: dict[str, Any]) -> None:
    ids = [operation["operationId"] for _, _, operation in operations_of(document)]
    assert len(ids) == len(set(ids))
    for method, path, operation in operations_of(document):
        name = f"{method} {path}"
        assert operation.get("description"), name
        assert operation.get("tags"), name
        if method in {"put", "patch"}:
            assert "requestBody" in operation, name
        named = {one["name"] for one in operation.get("parameters", []) if one["in"] == "path"}
        assert named == {part.partition("}")[0] for part in path.split("{")[1:]}, name


async def test_every_error_is_a_problem_document(document: dict[str, Any]) -> None:
    for method, path, operation in operations_of(document):
        if not path.startswith("/v1/"):
            continue
        for status, answer in operation["responses"].items():
            if status == "default" or status >= "400":
                assert answer["content"] == {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}, (
                    method,
                    path,
                    status,
                )
    assert dangling(document) == set()


def dangling(document: dict[str, Any]) -> set[str]:
    """References that lead nowhere."""
    found: set[str] = set()

    def walk(node: object) -> None:
        if isinstance(node, dict):
            if isinstance(node.get("$ref"), str):
                found.add(node["$ref"])
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(document)
    return {ref for ref in found if ref.removeprefix("#/components/schemas/") not in document["components"]["schemas"]}


# --- hostile input --------------------------------------------------------------------------------------------------

ODD_TEXTS = (
    "", " ", "\x00", "a\x00b", "\ud83d", "😀" * 50, "{{ 7 | times: 7 }}", "{% for i in (1..9999999) %}x{% endfor %}", "{{",
    "' OR 1=1 --", "%s %(x)s %", "../../etc/passwd", "<script>", "\u202eRTL", "null", "NaN", "1e309", "-0", "9" * 400,
    "+447700900303", "2026-03-03T09:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-02-30",
    "00000000-0000-0000-0000-000000000000", "WyIxIiwiMiJd", "WyJub3QgYSB1dWlkIl0", "nl", "whatsapp", "x" * 5000,
)  # fmt: skip
ODD_NUMBERS = (0, -1, 1, 2**31, 2**63, -(2**63) - 1, 10**30, 0.1, -1e-300, 1e300)
RAW_BODIES = (
    b"", b"null", b"[]", b"{", b'{"a":NaN}', b"\xff\xfe", b'"text"', b"[" * 5000, b'{"a":' * 3000 + b"1" + b"}" * 3000,
    b'{"x":1e999}', b'{"a":"\\ud800"}', b'{"a":"\\u0000"}', b"0" * 4000,
)  # fmt: skip


class Attacker:
    """Makes values from a schema: mostly right in shape, with something wrong somewhere."""

    def __init__(self, document: dict[str, Any], seed: int, ids: list[str]) -> None:
        self.schemas = document["components"]["schemas"]
        self.random = random.Random(seed)
        self.ids = ids

    def value(self, schema: dict[str, Any], depth: int = 0, *, evil: float = 0.12) -> Any:
        """A value of a schema, or of no schema at all."""
        if self.random.random() < evil or depth > 8:
            return self.junk()
        if "$ref" in schema:
            return self.value(self.schemas[schema["$ref"].rpartition("/")[2]], depth + 1, evil=evil)
        for word in ("anyOf", "oneOf", "allOf"):
            if word in schema:
                return self.value(self.random.choice(schema[word]), depth + 1, evil=evil)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self.random.choice(schema["enum"])
        maker: Callable[..., Any] = {
            "string": self.text, "integer": self.integer, "number": self.number, "boolean": lambda _: self.random.random() < 0.5,
            "null": lambda _: None, "array": lambda one: self.array(one, depth, evil), "object": lambda one: self.object(one, depth, evil),
        }.get(str(schema.get("type")), lambda _: self.junk())  # fmt: skip
        return maker(schema)

    def junk(self) -> Any:
        """Anything that JSON can say."""
        return self.random.choice(
            (
                None,
                True,
                [],
                {},
                [[]],
                {"": None},
                {"type": "text"},
                self.random.choice(ODD_TEXTS),
                self.random.choice(ODD_NUMBERS),
            )
        )

    def text(self, schema: dict[str, Any]) -> str:
        if schema.get("format") == "uuid":
            return self.random.choice([*self.ids, str(UUID(int=self.random.getrandbits(128)))])
        if schema.get("format") == "date-time":
            moment = datetime.fromtimestamp(self.random.randrange(0, 4_000_000_000), UTC)
            return self.random.choice((moment.isoformat(), *ODD_TEXTS[20:24]))
        plain = "".join(self.random.choices(string.ascii_lowercase + string.digits, k=self.random.randrange(1, 20)))
        return self.random.choice((plain, plain, self.random.choice(ODD_TEXTS)))

    def integer(self, schema: dict[str, Any]) -> int:
        low, high = int(schema.get("minimum", 0)), int(schema.get("maximum", 1000))
        return self.random.choice((low, high, self.random.randint(low, max(low, high)), 2**31, 2**63, -1))

    def number(self, schema: dict[str, Any]) -> float | int:
        return self.random.choice(ODD_NUMBERS)

    def array(self, schema: dict[str, Any], depth: int, evil: float) -> list[Any]:
        return [self.value(schema.get("items", {}), depth + 1, evil=evil) for _ in range(self.random.randrange(0, 4))]

    def object(self, schema: dict[str, Any], depth: int, evil: float) -> dict[str, Any]:
        required = set(schema.get("required", []))
        made = {
            name: self.value(inner, depth + 1, evil=evil)
            for name, inner in schema.get("properties", {}).items()
            if (name in required and self.random.random() > 0.03) or self.random.random() < 0.4
        }
        if schema.get("additionalProperties") and self.random.random() < 0.5:
            made[self.random.choice(ODD_TEXTS[:12])] = self.junk()
        return made

    def request(self, method: str, path: str, operation: dict[str, Any]) -> dict[str, Any]:
        """One request: path, query, headers and body."""
        query = {}
        for one in operation.get("parameters", []):
            filled = str(self.value(one["schema"], evil=0.3))
            if one["in"] == "path":
                path = path.replace(
                    f"{{{one['name']}}}", quote(filled.encode("utf-8", "replace").decode()[:500], safe="") or "x"
                )
            elif one["in"] == "query" and (one.get("required") or self.random.random() < 0.5):
                query[one["name"]] = filled.encode("utf-8", "replace").decode()[:2000]
        headers: dict[str, str] = {}
        data = None
        if "requestBody" in operation:
            kind, content = self.random.choice(list(operation["requestBody"]["content"].items()))
            headers["Content-Type"] = "application/octet-stream" if kind == "*/*" else kind
            data = self.body(kind, content["schema"], headers)
        return {"method": method.upper(), "path": path, "query": query, "data": data, "headers": headers}

    def body(self, kind: str, schema: dict[str, Any], headers: dict[str, str]) -> bytes:
        if self.random.random() < 0.12:
            return self.random.choice(RAW_BODIES)
        if kind == "multipart/form-data":
            headers["Content-Type"] = "multipart/form-data; boundary=b"
            text = self.random.choice(
                ("phone,consent\n+447700900303,granted\n", "\x00", "a;b\n\n", '"', self.random.choice(ODD_TEXTS))
            )
            parts = f'--b\r\nContent-Disposition: form-data; name="file"; filename="f.csv"\r\n\r\n{text}\r\n--b--\r\n'
            return parts.encode("utf-8", "replace")
        value = self.value(schema)
        if kind.endswith("json"):
            return json.dumps(value).encode()
        return str(value).encode("utf-8", "replace")


@pytest_asyncio.fixture(loop_scope="session")
async def victim(product: Story) -> AsyncIterator[Api]:
    """A workspace to be ill-treated; it has a few things, so that ids reach something."""
    api = Api(
        product.web_url, token=product.command("keys", "create", "all", "--workspace", "Victim", "--country", "NL")
    )
    yield api
    await api.close()


async def test_no_input_makes_it_fail(product: Story, document: dict[str, Any], victim: Api) -> None:
    people = await victim.post(
        "/v1/profiles", {"profiles": [{"phone": f"+44770090{number:04d}"} for number in range(400, 403)]}
    )
    form = {"slug": "victim-form", "wordings": [{"language": "en", "text": "I agree to everything."}]}
    ids = [one["profile_id"] for one in people["profiles"]] + [(await victim.post("/v1/opt-in-forms", form))["id"]]
    attacker = Attacker(document, SEED, ids)
    operations = [one for one in operations_of(document) if one[:2] != ("delete", "/v1/api-keys/{key_id}")]
    broken: list[str] = []
    sent = 0

    async def attack(method: str, path: str, operation: dict[str, Any]) -> None:
        request = attacker.request(method, path, operation)
        try:
            status, answer, headers = await victim.exchange(**request, patience_seconds=0)
        except GONE as error:
            broken.append(f"{error!r} {str(request)[:600]}")
            return
        kind = headers.get("Content-Type", "")
        is_problem = (
            kind.startswith(PROBLEM_TYPE)
            and isinstance(answer, dict)
            and answer.get("status") == status
            and bool(answer.get("code"))
        )
        told = status < 400 or is_problem or not path.startswith("/v1/")
        if status >= 500 or not told or "Traceback" in str(answer):
            broken.append(f"{status} {str(request)[:600]} -> {str(answer)[:300]}")

    deadline = time.monotonic() + HOSTILE_SECONDS
    while time.monotonic() < deadline and len(broken) < 20:
        for start in range(0, len(operations), 8):
            batch = operations[start : start + 8]
            await asyncio.gather(*(attack(*one) for one in batch))
            sent += len(batch)
    log = product.web.last_words(2000)
    assert not broken, f"{len(broken)} of {sent}:\n" + "\n".join(sorted(set(broken))) + f"\n{log[-6000:]}"
    assert sent > 5 * len(operations)
    assert "request_failed" not in log
    assert "Traceback" not in log
    assert (await victim.get("/v1/alive"))["status"] == "ok"
