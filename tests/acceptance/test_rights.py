"""Who may do what, for every route of the OpenAPI document: nobody, a key without the right, another workspace, the key."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio

from sojourn.workspaces.rights import RIGHTS

from .harness.api import Api
from .harness.shop import Shop, template_message
from .harness.story import Story

pytestmark = pytest.mark.asyncio(loop_scope="session")

PUBLIC = {
    ("get", "/v1/alive"),
    ("get", "/v1/ready"),
    ("get", "/v1/health"),
    ("get", "/metrics"),  # figures only: names of handlers and counts
    ("post", "/v1/session"),
    ("get", "/v1/links/{token}"),  # whoever holds the link
    ("post", "/v1/links/{token}"),
    ("get", "/o/{slug}"),  # the hosted opt-in form
    ("post", "/o/{slug}"),
    ("get", "/webhooks/whatsapp/{sender_app_key}"),  # guarded by the verify token
    ("post", "/webhooks/whatsapp/{sender_app_key}"),  # guarded by the signature
}  # and `/v1/openapi.json` itself
ANY_KEY = {("get", "/v1/error-catalogue"), ("get", "/v1/me"), ("get", "/v1/live")}  # no right beyond a key
MEMBERS_ONLY = {  # about oneself: no right needed beyond a session, and no use for a key
    ("patch", "/v1/me"), ("post", "/v1/me/password"), ("delete", "/v1/session"), ("post", "/v1/session/workspace"),
}  # fmt: skip
OWN_NAMES = {("put", "/v1/attributes/{name}")}  # its parameter is a name inside the caller's own workspace

MARK = "rights-secret"  # stands in everything that the first workspace holds
PHONE = "+447700900777"


@dataclass(frozen=True, slots=True)
class Operation:
    """One route: its method, its path with parameters, the right that it asks for (None: any key)."""

    method: str
    path: str
    right: str | None
    parameters: tuple[str, ...]

    def filled(self, values: dict[str, str]) -> str:
        """The path with these values; ids that are not among them are ids of nothing."""
        path = self.path
        for name in self.parameters:
            path = path.replace(f"{{{name}}}", values.get(name, "svg" if name == "kind" else str(uuid4())))
        return path


@dataclass(slots=True)
class Place:
    """Two workspaces; the first one holds one of everything, and `ids` says which by the name of its parameter."""

    product: Story
    owner: Api
    stranger: Api
    operations: list[Operation]
    ids: dict[str, str] = field(default_factory=dict)


def operations_of(document: dict[str, Any]) -> Iterator[tuple[Operation, list[dict[str, list[str]]]]]:
    """Every route with its `security`."""
    for path, methods in document["paths"].items():
        for method, described in methods.items():
            security = described.get("security", [])
            rights = [right for scheme in security for rights in scheme.values() for right in rights]
            names = tuple(one["name"] for one in described.get("parameters", []) if one["in"] == "path")
            yield Operation(method, path, rights[0] if rights else None, names), security


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def place(product: Story) -> AsyncIterator[Place]:
    document = await product.api.get("/v1/openapi.json")
    guarded = [operation for operation, security in operations_of(document) if security]
    owner, stranger = (
        Api(product.web_url, token=product.command("keys", "create", "all", "--workspace", name, "--country", "NL"))
        for name in (f"{MARK} one", "Another")
    )
    place = Place(product, owner, stranger, guarded)
    place.ids = await fill(product, owner)
    yield place
    await owner.close()
    await stranger.close()


async def fill(product: Story, owner: Api) -> dict[str, str]:
    """One of everything; the ids by the name of the path parameter that takes them."""
    shop = Shop(owner, product.sim, product.sim_url)
    await shop.connect(("+447700900000",), rate=70, behaviour={"instant": True, "latency_ms": 0})
    await shop.people([{"wa_id": PHONE}])
    template = await shop.add_template(f"{MARK.replace('-', '_')}_order", f"Hello from {MARK} and good day.")
    [profile] = await shop.consent([PHONE], attributes={"nickname": MARK})
    [delivery] = await shop.deliver([template_message(PHONE, f"{MARK}-1", f"{MARK.replace('-', '_')}_order")])
    journey = await shop.publish(
        {"key": MARK, "name": MARK, "nodes": {
            "start": {"type": "event_trigger", "event": "rights.began", "next": "wait"},
            "wait": {"type": "wait_time", "for": "300d", "next": "done"}, "done": {"type": "end", "reason": "over"},
        }}
    )  # fmt: skip
    await owner.post("/v1/events", {"name": "rights.began", "profile_id": profile, "properties": {"mark": MARK}})
    await product.settle()
    [run] = await owner.items(f"/v1/journeys/{journey}/runs")
    form = await owner.post(
        "/v1/opt-in-forms", {"slug": "form-of-one", "wordings": [{"language": "en", "text": f"{MARK} wording"}]}
    )
    link = await owner.post("/v1/opt-in-links", {"text": f"Hello {MARK}", "wording": f"{MARK} wording"})
    listed = await owner.post("/v1/suppressions", {"suppressions": [{"address": "+447700900778", "note": MARK}]})
    rule = await owner.post(
        "/v1/event-rules",
        {
            "name": "rights.derived",
            "base_name": "rights.began",
            "conditions": [{"path": "mark", "op": "eq", "value": MARK}],
        },
    )
    key = await owner.post("/v1/api-keys", {"name": MARK})
    invited = await owner.post("/v1/members", {"email": f"{MARK}@example.com", "name": MARK, "roles": ["viewer"]})
    await owner.post("/v1/roles", {"name": "nickname", "title": MARK, "rights": ["profiles.read"]})
    status, media, _ = await owner.exchange(
        "POST", "/v1/media?filename=a.txt", data=MARK.encode(), headers={"Content-Type": "text/plain"}
    )
    assert status == 201, media
    return {
        "template_id": template, "profile_id": profile, "delivery_id": delivery["id"], "journey_id": journey,
        "run_id": run["id"], "slug": form["slug"], "link_id": link["id"], "suppression_id": listed["items"][0]["id"],
        "rule_id": rule["id"], "key_id": key["key"]["id"], "media_id": media["id"], "sender_id": shop.senders[0],
        "name": "nickname", "member_id": invited["member"]["id"], "path": "phones",
    }  # fmt: skip


async def scoped(place: Place, scopes: list[str]) -> str:
    """A key of the first workspace with these scopes."""
    made = await place.owner.post("/v1/api-keys", {"name": "narrow", "scopes": scopes})
    return str(made["secret"])


async def ask(api: Api, operation: Operation, values: dict[str, str], **more: Any) -> tuple[int, Any]:
    """One request, with an empty object where a body is due."""
    body: dict[str, Any] | None = {} if operation.method in {"post", "put", "patch"} and "data" not in more else None
    path = operation.filled(values)
    status, answer, _ = await api.exchange(operation.method.upper(), path, body=more.pop("body", body), **more)
    return status, answer


async def test_every_route_is_guarded_or_public_by_name(place: Place) -> None:
    document = await place.product.api.get("/v1/openapi.json")
    found = {(one.method, one.path): (one, security) for one, security in operations_of(document)}
    assert {key for key, (_, security) in found.items() if not security} == PUBLIC
    assert {key for key, (one, security) in found.items() if security and one.right is None} == ANY_KEY | MEMBERS_ONLY
    assert {one.right for one, security in found.values() if one.right} <= RIGHTS


async def test_nobody_gets_in(place: Place) -> None:
    wrong: list[str] = []
    nobody = Api(place.product.web_url)
    for operation in place.operations:
        for headers in ({}, {"Authorization": "Bearer sk_nobody"}, {"Authorization": "Basic c2tfbm9ib2R5Og=="}):
            status, answer = await ask(nobody, operation, place.ids, headers=headers)
            if (status, code_of(answer)) != (401, "unauthenticated"):
                wrong.append(f"{operation.method} {operation.path} {headers} {status} {answer}")
    await nobody.close()
    assert not wrong, "\n".join(wrong)


async def test_every_right_but_the_one_is_not_enough(place: Place) -> None:
    wrong: list[str] = []
    keys = {
        right: await scoped(place, sorted(RIGHTS - {right}))
        for right in {one.right for one in place.operations if one.right}
    }
    for operation in place.operations:
        if operation.right is None:
            continue
        status, answer = await ask(place.owner, operation, place.ids, token=keys[operation.right])
        if (status, code_of(answer)) != (403, "missing_right"):
            wrong.append(f"{operation.method} {operation.path} {status} {answer}")
    assert not wrong, "\n".join(wrong)


async def test_the_one_right_is_enough(place: Place) -> None:
    wrong: list[str] = []
    keys = {right: await scoped(place, [right]) for right in {one.right for one in place.operations if one.right}}
    some_key = next(iter(keys.values()))
    for operation in place.operations:
        key = keys[operation.right] if operation.right else some_key
        status, answer = await ask(place.owner, operation, {"name": "colour"}, token=key)  # ids of nothing: harmless
        if (operation.method, operation.path) in MEMBERS_ONLY and code_of(answer) == "members_only":
            continue
        if status in {401, 403} or status >= 500:
            wrong.append(f"{operation.method} {operation.path} {status} {answer}")
    assert not wrong, "\n".join(wrong)


async def test_another_workspace_sees_and_changes_nothing(place: Place) -> None:
    before = await everything(place)
    assert MARK in before["/v1/profiles"]
    wrong: list[str] = []
    for operation in place.operations:
        for body in bodies(place, operation):
            status, answer = await ask(place.stranger, operation, place.ids, **body)
            text = json.dumps(answer, ensure_ascii=False, default=str)
            names_a_thing = bool(operation.parameters) and (operation.method, operation.path) not in OWN_NAMES
            if answer and code_of(answer) in {"slug_taken", "members_only"}:
                continue  # names of forms stand in public addresses, so there is one of each in an installation
            if (
                status >= 500
                or status in {401, 403}
                or (names_a_thing and status not in {404, 422})
                or MARK in text
                or PHONE in text
            ):
                wrong.append(f"{operation.method} {operation.path} {status} {answer}")
    assert not wrong, "\n".join(wrong)
    own = (await place.stranger.post("/v1/profiles", {"profiles": [{"external_id": "own"}]}))["profiles"][0][
        "profile_id"
    ]
    stolen = {"loser_id": place.ids["profile_id"]}
    for verb in ("merge", "unmerge"):
        status, _, _ = await place.stranger.exchange("POST", f"/v1/profiles/{own}/{verb}", body=stolen)
        assert status == 404
    assert await everything(place) == before


def bodies(place: Place, operation: Operation) -> list[dict[str, Any]]:
    """What the stranger sends: an empty object, and bodies that name things of the first workspace."""
    ids = place.ids
    consent = {"profile_id": ids["profile_id"], "purpose": "marketing", "state": "withdrawn"}
    delivery = {
        "key": "stolen",
        "profile_id": ids["profile_id"],
        "purpose": "transactional",
        "template": {"name": "any"},
    }
    named: dict[tuple[str, str], list[Any]] = {
        ("post", "/v1/consents"): [{"consents": [consent]}],
        ("post", "/v1/deliveries"): [delivery, {"deliveries": [delivery]}],
        ("post", "/v1/deliveries/cancel"): [
            {"delivery_ids": [ids["delivery_id"]]}, {"profile_id": ids["profile_id"]}, {"run_id": ids["run_id"]},
            {"owner_id": ids["journey_id"]},
        ],
        ("post", "/v1/deliveries/{delivery_id}/settle"): [{"arrived": True}],
        ("post", "/v1/events"): [{"name": "stolen.event", "profile_id": ids["profile_id"]}],
        ("post", "/v1/opt-in-links"): [{"text": "x", "wording": "something to agree", "sender_id": ids["sender_id"]}],
        ("post", "/v1/opt-in-forms"): [{"slug": ids["slug"], "wordings": [{"language": "en", "text": "another wording"}]}],
        ("post", "/v1/opt-in-forms/{slug}/submissions"): [{"phone": "+447700900779"}],
        ("patch", "/v1/profiles/{profile_id}"): [{"attributes": {"nickname": "changed"}}],
        ("post", "/v1/profiles/{profile_id}/merge"): [{"loser_id": ids["profile_id"]}],
        ("post", "/v1/profiles/{profile_id}/unmerge"): [{"loser_id": ids["profile_id"]}],
        ("patch", "/v1/senders/{sender_id}"): [{"name": "changed"}],
        ("post", "/v1/senders/{sender_id}/register"): [{"pin": "123456"}],
        ("post", "/v1/senders/{sender_id}/stop"): [{"reason": "stolen"}],
        ("post", "/v1/templates/{template_id}/preview"): [{"profile_id": ids["profile_id"]}],
        ("post", "/v1/templates/{template_id}/submit"): [{"sender_id": ids["sender_id"]}],
        ("post", "/v1/webhook-bodies/replay"): [{"states": ["parsed", "partial"]}],
    }  # fmt: skip
    return [{}, *({"body": body} for body in named.get((operation.method, operation.path), []))]


async def everything(place: Place) -> dict[str, str]:
    """All that the owner can read, but what reading itself changes: the audit trail and the use of keys."""
    skipped = {"/v1/audit", "/v1/audit/verify", "/v1/api-keys", "/v1/workspace"}
    read: dict[str, str] = {}
    for operation in place.operations:
        if operation.method != "get" or operation.path in skipped:
            continue
        _, answer = await ask(place.owner, operation, place.ids)
        read[operation.path] = json.dumps(answer, sort_keys=True, ensure_ascii=False)
    return read


def code_of(answer: Any) -> str | None:
    return answer.get("code") if isinstance(answer, dict) else None
