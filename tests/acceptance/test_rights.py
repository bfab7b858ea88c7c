"""Who may do what, for every route of the OpenAPI document and every live topic, by key and by cookie.

Nobody, without the right, from another workspace, with the right; without the token that guards writes; a member who is
deactivated; a right that is lost in the middle of a session.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import aiohttp
import pytest
import pytest_asyncio

from sojourn.workspaces.live_routes import OF_ONE, PLAIN
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
            path = path.replace(
                f"{{{name}}}", values.get(name, "svg" if name == "kind" else str(uuid5(NAMESPACE_URL, name)))
            )
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
    nobody = {"identities": [{"scheme": "phone", "value": "+447700900776"}]}
    erasure = await owner.post("/v1/erasures", nobody)
    archive = await owner.post(f"/v1/profiles/{profile}/archive")
    hook = {"url": "https://hooks.example/in", "events": ["message.received"], "description": MARK}
    endpoint = await owner.post("/v1/webhook-endpoints", hook)
    await product.settle()
    return {
        "template_id": template, "profile_id": profile, "delivery_id": delivery["id"], "journey_id": journey,
        "run_id": run["id"], "slug": form["slug"], "link_id": link["id"], "suppression_id": listed["items"][0]["id"],
        "rule_id": rule["id"], "key_id": key["key"]["id"], "media_id": media["id"], "sender_id": shop.senders[0],
        "name": "nickname", "member_id": invited["member"]["id"], "erasure_id": erasure["id"], "archive_id": archive["id"], "endpoint_id": endpoint["endpoint"]["id"], "path": "phones",
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


# --- members ---------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Member:
    """A signed-in browser of the first workspace, whose only role is one of its own: its rights change with that."""

    owner: Api
    api: Api
    id: str
    headers: dict[str, str]

    async def may(self, rights: Iterable[str]) -> None:
        """Give the member these rights and no other, in the middle of the session."""
        await self.owner.patch(f"/v1/roles/{ROLE}", {"rights": sorted(rights)})

    async def ask(self, operation: Operation, values: dict[str, str], **without: None) -> tuple[int, Any]:
        """One request by cookie; `token=None` leaves out what guards writes."""
        left_out = {"X-CSRF-Token"} if "token" in without else set()
        sent = {name: value for name, value in self.headers.items() if name not in left_out}
        return await ask(self.api, operation, values, headers=sent)


ROLE = "rights_of_one"
PASSWORD = "a quiet harbour 7"


async def join(place: Place, email: str) -> Member:
    """Invite somebody, and let them in by the link."""
    roles = [one["name"] for one in (await place.owner.get("/v1/roles"))["items"]]
    if ROLE not in roles:
        body = {"name": ROLE, "title": "One right at a time", "rights": ["workspace.read"]}
        await place.owner.post("/v1/roles", body)
    invited = await place.owner.post("/v1/members", {"email": email, "name": "Somebody", "roles": [ROLE]})
    api = Api(place.product.web_url)
    token = invited["link"].rpartition("/")[2]
    status, me, headers = await api.exchange("POST", f"/v1/links/{token}", body={"password": PASSWORD})
    assert status == 200, me
    cookie = headers["Set-Cookie"].partition(";")[0]
    return Member(place.owner, api, me["member"]["id"], {"Cookie": cookie, "X-CSRF-Token": me["csrf_token"]})


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def member(place: Place) -> AsyncIterator[Member]:
    member = await join(place, f"{MARK}-member@example.com")
    yield member
    await member.api.close()


def guarded(place: Place) -> list[Operation]:
    """Routes that ask for a right; those that would end the session that is tried are not among them."""
    return [operation for operation in place.operations if operation.right is not None]


async def test_every_route_that_takes_a_key_takes_a_session(place: Place) -> None:
    document = await place.product.api.get("/v1/openapi.json")
    for operation, security in operations_of(document):
        by_key = [scheme["apiKey"] for scheme in security if "apiKey" in scheme]
        by_session = [scheme["session"] for scheme in security if "session" in scheme]
        if security and (operation.method, operation.path) not in MEMBERS_ONLY:
            assert by_key == by_session, operation


async def test_a_member_without_the_right_is_refused_even_in_mid_session(place: Place, member: Member) -> None:
    wrong: list[str] = []
    for right in sorted({str(operation.right) for operation in guarded(place)}):
        await member.may(RIGHTS - {right})  # had all others a moment ago, and this one
        for operation in guarded(place):
            if operation.right == right:
                status, answer = await member.ask(operation, place.ids)
                if (status, code_of(answer)) != (403, "missing_right"):
                    wrong.append(f"{operation.method} {operation.path} {status} {answer}")
    assert not wrong, "\n".join(wrong)


async def test_the_one_right_is_enough_for_a_member(place: Place, member: Member) -> None:
    wrong: list[str] = []
    for right in sorted({str(operation.right) for operation in guarded(place)}):
        await member.may({right})
        for operation in guarded(place):
            if operation.right == right:
                status, answer = await member.ask(operation, {"name": "colour"})  # ids of nothing: harmless
                is_more = code_of(answer) == "missing_right" and answer["right"] != right  # of what is given away
                if (status in {401, 403} and not is_more) or status >= 500:
                    wrong.append(f"{operation.method} {operation.path} {status} {answer}")
    assert not wrong, "\n".join(wrong)


async def test_no_write_by_cookie_goes_without_its_token(place: Place, member: Member) -> None:
    await member.may(RIGHTS)
    wrong: list[str] = []
    for operation in place.operations:
        status, answer = await member.ask(operation, place.ids, token=None)
        refused = (status, code_of(answer)) == (403, "csrf_failed")
        if refused != (operation.method != "get"):
            wrong.append(f"{operation.method} {operation.path} {status} {answer}")
    assert not wrong, "\n".join(wrong)


TOPICS = {
    "messages": "messages.read", "deliveries": "deliveries.read", "alerts": "alerts.read",
    "profile:{profile_id}": "profiles.read", "sender:{sender_id}": "senders.read", "phone:{sender_id}": "simulator.read",
    "template:{template_id}": "templates.read", "job:{run_id}": "imports.read",
}  # fmt: skip


async def listen(api: Api, topic: str, **headers: str) -> tuple[int, str | None]:
    """Open a stream and leave it; its status and, when it was refused, why."""
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as http,
        http.get(f"{api.base_url}/v1/live", params={"topics": topic}, headers=headers) as answer,
    ):
        return answer.status, None if answer.status == 200 else (await answer.json())["code"]


async def test_every_topic_is_heard_by_its_right_only(place: Place, member: Member) -> None:
    assert {name.partition(":")[0] for name in TOPICS} == {*PLAIN, *OF_ONE}
    for name, right in TOPICS.items():
        topic = name.format(**place.ids)
        assert await listen(place.owner, topic) == (401, "unauthenticated")
        for rights, expected in ((RIGHTS - {right}, (403, "topics_refused")), ({right}, (200, None))):
            key = await scoped(place, sorted(rights))
            assert await listen(place.owner, topic, Authorization=f"Bearer {key}") == expected, topic
            await member.may(rights)
            assert await listen(place.owner, topic, Cookie=member.headers["Cookie"]) == expected, topic


async def test_another_workspace_hears_nothing_of_it(place: Place, member: Member) -> None:
    await member.may(RIGHTS)
    topics = ",".join(name.format(**place.ids) for name in TOPICS)
    timeout = aiohttp.ClientTimeout(total=60)
    url = f"{place.product.web_url}/v1/live"
    async with aiohttp.ClientSession(timeout=timeout) as http:
        theirs = {"Authorization": f"Bearer {place.stranger.token}"}
        async with (
            http.get(url, params={"topics": topics}, headers={"Cookie": member.headers["Cookie"]}) as own,
            http.get(url, params={"topics": topics}, headers=theirs) as other,
        ):
            for workspace in (place.owner, place.stranger):  # the stranger's own news show that it would have heard
                await workspace.patch("/v1/workspace", {"settings": {"survey_days": 29}})
            heard = [await _next_news(stream) for stream in (own, other)]
            assert [news["event"] for news in heard] == ["alerts", "alerts"]
            await place.owner.post("/v1/deliveries", {
                "key": "live-1", "profile_id": place.ids["profile_id"], "purpose": "marketing",
                "template": {"name": f"{MARK.replace('-', '_')}_order"},
            })  # fmt: skip
            mine = await _next_news(own)
            assert place.ids["profile_id"] in mine["data"]
            await place.stranger.patch("/v1/workspace", {"settings": {"survey_days": 28}})
            assert (await _next_news(other))["event"] == "alerts"


async def _next_news(answer: aiohttp.ClientResponse) -> dict[str, str]:
    """The next frame with news."""
    frame: dict[str, str] = {}
    async for line in answer.content:
        name, _, value = line.decode().rstrip("\n").partition(": ")
        if name:
            frame[name] = value
        elif "event" in frame:
            return frame
        else:
            frame = {}
    raise AssertionError("the stream ended")


async def test_a_deactivated_member_is_out_everywhere_at_once(place: Place) -> None:
    gone = await join(place, f"{MARK}-gone@example.com")
    await place.owner.patch(f"/v1/roles/{ROLE}", {"rights": sorted(RIGHTS)})
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as http:
        url = f"{place.product.web_url}/v1/live?topics=messages"
        async with http.get(url, headers={"Cookie": gone.headers["Cookie"]}) as stream:
            assert stream.status == 200
            await place.owner.post(f"/v1/members/{gone.id}/deactivate")
            assert b'event: end\ndata: {"code":"unauthenticated"}' in await stream.read()  # which ends by itself
    wrong: list[str] = []
    for operation in place.operations:
        status, answer = await gone.ask(operation, place.ids)
        if (status, code_of(answer)) != (401, "unauthenticated"):
            wrong.append(f"{operation.method} {operation.path} {status} {answer}")
    await gone.api.close()
    assert not wrong, "\n".join(wrong)


def code_of(answer: Any) -> str | None:
    return answer.get("code") if isinstance(answer, dict) else None
