"""Consents, lists, forms, links and keywords over HTTP."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any, LiteralString
from urllib.parse import urlencode
from uuid import UUID

import pytest
from fastapi import FastAPI

from sojourn.consents import routes, store
from sojourn.consents.model import ConsentState, Purpose
from sojourn.kit import json
from sojourn.kit.crypto import KeyRing
from sojourn.kit.database import Database, execute, fetch_all, fetch_value
from sojourn.kit.jobs import Registry
from sojourn.kit.web import install_error_handlers
from sojourn.workspaces.actions import create_key, create_workspace
from sojourn.workspaces.store import get_workspace


@pytest.fixture
def registry() -> Registry:
    return Registry()


@dataclass
class Api:
    """The routes of this folder on a database of their own."""

    app: FastAPI
    database: Database
    keys: KeyRing
    now: datetime
    workspace: UUID
    key: str

    async def call(
        self, method: str, path: str, body: Any = None, *, key: str | None = None, raw: bytes | None = None
    ) -> tuple[int, Any, dict[str, str]]:
        path, _, query = path.partition("?")
        content = raw if raw is not None else (b"" if body is None else json.encode(body))
        headers = [(b"authorization", f"Bearer {key or self.key}".encode()), (b"content-type", b"application/json")]
        if raw is not None:
            headers[1] = (b"content-type", b"application/x-www-form-urlencoded")
        scope = {
            "type": "http", "http_version": "1.1", "method": method, "path": path, "raw_path": path.encode(),
            "query_string": query.encode(), "headers": headers, "client": ("203.0.113.9", 1), "scheme": "http",
            "server": ("test", 80), "root_path": "", "app": self.app,
        }  # fmt: skip
        sent: list[dict[str, Any]] = []
        received = iter([{"type": "http.request", "body": content}])

        async def receive() -> Any:
            try:
                return next(received)
            except StopIteration:
                await asyncio.Event().wait()

        async def send(message: Any) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        answered = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        data = b"".join(part.get("body", b"") for part in sent[1:])
        found = json.decode(data) if data and "json" in answered.get("content-type", "") else data
        return sent[0]["status"], found, answered

    async def marketing(self, profile: str) -> ConsentState:
        async with self.database.transaction() as conn:
            facts = await store.read_consent_facts(conn, self.workspace, [UUID(profile)], "whatsapp", self.now)
        return facts[UUID(profile)].state(Purpose.MARKETING)


@pytest.fixture
async def api(database: Database, keys: KeyRing, now: datetime) -> Api:
    async with database.transaction() as conn:
        workspace = await create_workspace(conn, "Brisk Coffee", now=now)
        _, secret = await create_key(conn, workspace.id, "test", now=now)
    app = FastAPI()
    app.state.db, app.state.keys, app.state.clock = database, keys, SimpleNamespace(now=lambda: now)
    install_error_handlers(app)
    app.include_router(routes.router)
    return Api(app, database, keys, now, workspace.id, secret)


GRANT = {
    "profile": {"phone": "+44 7700 900303"},
    "purpose": "marketing",
    "state": "granted",
    "effective_at": "2026-02-10T09:00:00Z",
    "evidence": {"wording": "Yes, send me offers", "form_id": "co-7", "ip": "198.51.100.7"},
}


async def test_consents_are_recorded_read_with_evidence_and_repeated_without_effect(api: Api) -> None:
    status, body, _ = await api.call("POST", "/v1/consents", {"consents": [GRANT]})
    assert status == 200, body
    [row] = body["items"]
    assert (row["state"], row["is_new"], row["source"]) == ("granted", True, "api")
    _, body, _ = await api.call("POST", "/v1/consents", {"consents": [GRANT]})
    assert body["items"][0]["is_new"] is False
    profile = row["profile_id"]
    status, body, _ = await api.call("GET", f"/v1/profiles/{profile}/consents")
    assert status == 200, body
    assert body["current"][0]["state"] == "granted"
    assert body["history"][0]["evidence"]["ip"] == "198.51.100.7"
    assert body["history"][0]["address"] == "+447700900303"
    assert body["is_intact"] is True
    async with api.database.transaction() as conn:
        audited = await fetch_all(conn, "SELECT action FROM audit_entries ORDER BY id")
        _, reader = await create_key(conn, api.workspace, "reader", scopes=("read",), now=api.now)
    assert {"consents.recorded", "evidence.read"} <= {row["action"] for row in audited}
    _, body, _ = await api.call("GET", f"/v1/profiles/{profile}/consents", key=reader)
    assert body["history"][0]["evidence"] is None
    assert body["history"][0]["address"] is None
    status, _, _ = await api.call("POST", "/v1/consents", {"consents": [GRANT]}, key=reader)
    assert status == 403


BAD = [
    ({"effective_at": "2031-01-01T00:00:00Z"}, "consent_in_future"),
    ({"evidence": None}, "evidence_missing"),
    ({"evidence": {}}, "evidence_missing"),
    ({"purpose": "advertising"}, "invalid_input"),
    ({"state": "maybe"}, "invalid_input"),
    ({"profile": {"phone": "nonsense"}}, "invalid_input"),
    ({"profile": {}}, "invalid_input"),
    ({"profile": None}, "invalid_input"),
    ({"effective_at": "2026-02-10T09:00:00"}, "invalid_input"),
    ({"colour": "red"}, "invalid_input"),
]


async def test_a_bad_consent_is_refused_with_a_code_and_leaves_nothing(api: Api) -> None:
    for change, code in BAD:
        status, body, _ = await api.call("POST", "/v1/consents", {"consents": [GRANT, {**GRANT, **change}]})  # type: ignore[dict-item]
        assert (status, body["code"]) == (422, code), body
        assert body["errors"][0]["field"].startswith("consents")
    async with api.database.transaction() as conn:
        assert await fetch_value(conn, "SELECT count(*) FROM consent_entries") == 0


async def test_suppressions_by_api_and_csv(api: Api) -> None:
    entries = {"suppressions": [{"address": "+447700900404", "reason": "legal"}, {"address": "a@example.com"}]}
    status, body, _ = await api.call("POST", "/v1/suppressions", entries)
    assert (status, [row["address"] for row in body["items"]]) == (200, ["+447700900404", "a@example.com"])
    _, again, _ = await api.call("POST", "/v1/suppressions", entries)
    assert [row["id"] for row in again["items"]] == [row["id"] for row in body["items"]]
    csv = "address,reason,expires_at\n+44 7700 900405,complaint,2027-01-01\nnope,legal,\n+447700900406,whim,\n"
    status, imported, _ = await api.call("POST", "/v1/suppressions/import", raw=csv.encode())
    assert (status, imported["imported"]) == (200, 1)
    assert [error["field"] for error in imported["errors"]] == ["line 3.address", "line 4.reason"]
    _, page, _ = await api.call("GET", "/v1/suppressions?limit=2")
    assert len(page["items"]) == 2
    _, rest, _ = await api.call("GET", f"/v1/suppressions?limit=2&cursor={page['next_cursor']}")
    assert (len(rest["items"]), rest["next_cursor"]) == (1, None)
    _, body, _ = await api.call(
        "POST", "/v1/consents", {"consents": [{**GRANT, "profile": {"phone": "+447700900404"}}]}
    )
    profile = UUID(body["items"][0]["profile_id"])
    async with api.database.transaction() as conn:
        facts = await store.read_consent_facts(conn, api.workspace, [profile], "whatsapp", api.now, keys=api.keys)
    suppression = facts[profile].suppression_for(Purpose.TRANSACTIONAL)
    assert suppression is not None
    assert suppression.is_total
    suppression_id = again["items"][0]["id"]
    assert (await api.call("DELETE", f"/v1/suppressions/{suppression_id}"))[0] == 204
    status, body, _ = await api.call("DELETE", f"/v1/suppressions/{suppression_id}")
    assert (status, body["code"]) == (404, "unknown_suppression")


async def test_each_mistake_of_a_list_of_suppressions_is_named_with_its_line(api: Api) -> None:
    lines = [
        "address,note,expires_at",
        "+447700900405,,0001-01-01T00:00:00+14:00",
        f"+447700900406,{'x' * 131_073},",
        "+447700900407,,9999-12-31T23:59:59-01:00",
        f"+447700900408,{'x' * 501},",
        "+447700900409,,tomorrow",
        "",
        "+447700900410,fine,2027-01-01",
        '"+447700900411,fine,',
    ]
    status, body, _ = await api.call("POST", "/v1/suppressions/import", raw="\n".join(lines).encode())
    assert (status, body["imported"]) == (200, 1), body
    assert [(error["field"], error["code"]) for error in body["errors"]] == [
        ("line 2.expires_at", "invalid_moment"),
        ("line 3", "invalid_row"),
        ("line 4.expires_at", "invalid_moment"),
        ("line 5.note", "too_long"),
        ("line 6.expires_at", "invalid_moment"),
        ("line 9.address", "invalid_phone"),
    ]
    status, body, _ = await api.call("POST", "/v1/suppressions/import", raw=b"address," * 100_000)
    assert (status, body["imported"], body["errors"][0]["code"]) == (200, 0, "too_many_columns")


async def test_a_channel_that_does_not_exist_is_stopped_or_agreed_to_nowhere(api: Api) -> None:
    one = {"address": "+447700900405", "channel": "whatsap"}
    status, body, _ = await api.call("POST", "/v1/suppressions", {"suppressions": [one]})
    assert (status, body["errors"][0]["field"][:23]) == (422, "suppressions.0.channel")
    csv = (
        f"address,channel\n+447700900405,whatsap\n+447700900406,WhatsApp\n+447700900407,{'x' * 500}\n+447700900408,*\n"
    )
    status, body, _ = await api.call("POST", "/v1/suppressions/import", raw=csv.encode())
    assert (status, body["imported"]) == (200, 2)
    assert [(error["field"], error["code"]) for error in body["errors"]] == [
        ("line 2.channel", "unknown_channel"),
        ("line 4.channel", "unknown_channel"),
    ]
    for state in ("granted", "withdrawn"):
        change = {**GRANT, "state": state, "channel": "whatsap"}
        assert (await api.call("POST", "/v1/consents", {"consents": [change]}))[0] == 422


async def test_a_topic_is_the_same_in_whatever_letters(api: Api) -> None:
    general = {**GRANT, "effective_at": "2026-02-10T09:00:00Z"}
    stop = {"profile": GRANT["profile"], "purpose": "marketing", "state": "withdrawn", "topic": " Offers"}
    status, body, _ = await api.call("POST", "/v1/consents", {"consents": [general, stop]})
    assert (status, body["items"][1]["topic"]) == (200, "offers")
    profile = UUID(body["items"][0]["profile_id"])
    async with api.database.transaction() as conn:
        facts = await store.read_consent_facts(conn, api.workspace, [profile], "whatsapp", api.now, keys=api.keys)
    assert facts[profile].state(Purpose.MARKETING, "offers") is ConsentState.WITHDRAWN
    status, body, _ = await api.call("POST", "/v1/consents", {"consents": [{**general, "topic": "daily offers"}]})
    assert (status, body["errors"][0]["field"], body["errors"][0]["code"]) == (422, "consents.0.topic", "topic")


async def test_a_suppressed_address_stays_recognised_after_an_erasure(api: Api) -> None:
    await api.call("POST", "/v1/suppressions", {"suppressions": [{"address": "+447700900303", "reason": "complaint"}]})
    _, body, _ = await api.call("POST", "/v1/consents", {"consents": [GRANT]})
    first = UUID(body["items"][0]["profile_id"])
    from sojourn.consents.actions import erase_profiles
    from sojourn.profiles.actions import erase_profiles as erase_people

    async with api.database.transaction() as conn:
        await erase_profiles(conn, api.workspace, [first], keys=api.keys, now=api.now)
        await erase_people(conn, api.workspace, [first], api.now)
    _, page, _ = await api.call("GET", "/v1/suppressions")
    assert page["items"][0]["address"] is None
    _, body, _ = await api.call("POST", "/v1/consents", {"consents": [GRANT]})
    second = UUID(body["items"][0]["profile_id"])
    assert second != first
    async with api.database.transaction() as conn:
        facts = await store.read_consent_facts(conn, api.workspace, [second], "whatsapp", api.now, keys=api.keys)
    assert facts[second].suppression_for(Purpose.MARKETING) is not None


async def test_allow_list_and_brake(api: Api) -> None:
    status, body, _ = await api.call("PUT", "/v1/allow-list", {"on": True, "addresses": ["+44 7700 900303"]})
    assert (status, body) == (200, {"on": True, "addresses": ["+447700900303"]})
    _, body, _ = await api.call("POST", "/v1/consents", {"consents": [GRANT]})
    profile = UUID(body["items"][0]["profile_id"])
    async with api.database.transaction() as conn:
        facts = await store.read_consent_facts(conn, api.workspace, [profile], "whatsapp", api.now)
    assert facts[profile].on_allow_list
    await api.call("PUT", "/v1/allow-list", {"on": True, "addresses": []})
    assert (await api.call("GET", "/v1/allow-list"))[1] == {"on": True, "addresses": []}
    assert (await api.call("PUT", "/v1/brake", {"on": True}))[1] == {"on": True}
    async with api.database.transaction() as conn:
        assert (await get_workspace(conn, api.workspace)).settings.brake is True
    assert (await api.call("GET", "/v1/brake"))[1] == {"on": True}


FORM = {
    "slug": "nl-foot-2",
    "wordings": [
        {"language": "en", "text": "Yes, send me <offers> on WhatsApp."},
        {"language": "nl", "text": "Ja, stuur mij aanbiedingen.", "hash": "9f2c"},
    ],
    "topics": [{"key": "offers", "labels": {"en": "Offers", "nl": "Aanbiedingen"}}],
    "double_opt_in": True,
    "privacy_notice_url": "https://example.com/privacy",
}


async def test_a_form_keeps_its_versions_and_takes_submissions(api: Api) -> None:
    status, form, _ = await api.call("POST", "/v1/opt-in-forms", FORM)
    assert (status, form["version"], form["path"]) == (200, 1, "/o/nl-foot-2")
    assert (await api.call("POST", "/v1/opt-in-forms", FORM))[1]["version"] == 1
    changed = {**FORM, "wordings": [{"language": "en", "text": "A wholly new wording."}]}
    assert (await api.call("POST", "/v1/opt-in-forms", changed))[1]["version"] == 2
    submission = {
        "phone": "+44 7700 900303",
        "topics": ["offers"],
        "locale": "nl",
        "ip": "198.51.100.7",
        "wording_hash": "9f2c",
        "idempotency_key": "s1",
    }
    status, body, _ = await api.call("POST", "/v1/opt-in-forms/nl-foot-2/submissions", submission)
    assert (status, body["state"]) == (202, "pending")
    await api.call("POST", "/v1/opt-in-forms/nl-foot-2/submissions", submission)
    _, history, _ = await api.call("GET", f"/v1/profiles/{body['profile_id']}/consents")
    assert len(history["history"]) == 2
    assert history["history"][0]["evidence"]["wording"] == "Ja, stuur mij aanbiedingen."
    assert history["history"][0]["evidence"]["wording_version"] == "1"
    bad = {**submission, "phone": "x", "idempotency_key": "s2"}
    status, body, _ = await api.call("POST", "/v1/opt-in-forms/nl-foot-2/submissions", bad)
    assert (status, body["errors"][0]["field"]) == (422, "phone")
    assert (await api.call("POST", "/v1/opt-in-forms/nl-foot-2/close"))[0] == 204
    assert (await api.call("POST", "/v1/opt-in-forms/nl-foot-2/submissions", submission))[0] == 404
    assert (await api.call("GET", "/v1/opt-in-forms"))[1]["items"][0]["is_open"] is False


async def test_a_submission_again_tells_what_holds_now(api: Api) -> None:
    await api.call("POST", "/v1/opt-in-forms", {**FORM, "double_opt_in": False})
    form = {"phone": "+447700900303", "wording_hash": "9f2c", "idempotency_key": "s1"}
    status, body, _ = await api.call("POST", "/v1/opt-in-forms/nl-foot-2/submissions", form)
    assert (status, body["state"], body["warnings"]) == (202, "granted", [])
    stop = {"profile": {"phone": "+447700900303"}, "purpose": "marketing", "state": "withdrawn"}
    assert (await api.call("POST", "/v1/consents", {"consents": [stop]}))[0] == 200
    status, body, _ = await api.call("POST", "/v1/opt-in-forms/nl-foot-2/submissions", form)
    assert (status, body["state"]) == (202, "withdrawn")


async def test_a_question_that_nobody_can_be_asked_is_said_at_once(api: Api) -> None:
    pending = {"consents": [{**GRANT, "state": "pending", "effective_at": None}]}
    _, body, _ = await api.call("POST", "/v1/consents", pending)
    [warning] = body["warnings"]
    assert (warning["code"], warning["template"]) == ("question_template_missing", "opt_in_question")
    _, body, _ = await api.call("POST", "/v1/consents", {"consents": [GRANT]})
    assert body["warnings"] == []
    await api.call("POST", "/v1/opt-in-forms", FORM)
    form = {"phone": "+447700900304", "wording_hash": "9f2c"}
    _, body, _ = await api.call("POST", "/v1/opt-in-forms/nl-foot-2/submissions", form)
    assert (body["state"], body["warnings"][0]["code"]) == ("pending", "question_template_missing")
    async with api.database.transaction() as conn:
        await execute(conn, SQL_QUESTION, {"id": UUID(int=7), "workspace": api.workspace, "now": api.now})
    _, body, _ = await api.call("POST", "/v1/consents", pending)
    assert body["warnings"][0]["code"] == "question_template_not_approved"
    async with api.database.transaction() as conn:
        await execute(conn, SQL_APPROVED, {"id": UUID(int=7), "workspace": api.workspace, "now": api.now})
    _, body, _ = await api.call("POST", "/v1/consents", pending)
    assert body["warnings"] == []


SQL_QUESTION: LiteralString = """
INSERT INTO templates (id, workspace_id, name, purpose, category, default_language, parameter_format, created_at,
                       updated_at)
VALUES (%(id)s, %(workspace)s, 'opt_in_question', 'consent_request', 'utility', 'en', 'named', %(now)s, %(now)s)
"""

SQL_APPROVED: LiteralString = """
INSERT INTO template_variants (id, workspace_id, template_id, language, state, category, components, created_at,
                               updated_at)
VALUES (%(id)s, %(workspace)s, %(id)s, 'en', 'approved', 'utility', '[]', %(now)s, %(now)s)
"""


async def test_the_hosted_page_is_plain_strict_and_says_no_more_than_it_must(api: Api) -> None:
    await api.call("POST", "/v1/opt-in-forms", FORM)
    status, html, headers = await api.call("GET", "/o/nl-foot-2?lang=en")
    page = html.decode()
    assert status == 200
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert '<html lang="en" dir="ltr">' in page
    assert "&lt;offers&gt;" in page
    assert "<script" not in page
    assert re.findall(r'<label for="(\w[\w-]*)"', page) == ["phone", "topic-0", "agree", "website"]
    assert 'lang="nl"' in (await api.call("GET", "/o/nl-foot-2?lang=nl"))[1].decode()
    fields = {"phone": "+44 7700 900303", "topic": "offers", "agree": "yes", "lang": "en", "website": ""}
    fields["wording"] = re.findall(r'name="wording" value="(\w+)"', page)[0]

    async def send(**changes: str) -> tuple[int, str]:
        status, html, _ = await api.call("POST", "/o/nl-foot-2", raw=urlencode({**fields, **changes}).encode())
        return status, html.decode()

    known = await send()
    assert known[0] == 200
    assert "Thank you" in known[1]
    assert await send(phone="+447700900999") == known, "the answer does not tell whether a number is known"
    assert await send(website="spam", phone="+447700900888") == known
    status, html = await send(phone="abc")
    assert status == 422
    assert 'role="alert"' in html
    assert 'aria-invalid="true"' in html
    assert (await send(agree=""))[0] == 422
    assert (await send(wording="gone"))[0] == 409
    for _ in range(20):
        status, _ = await send()
    assert status == 429
    async with api.database.transaction() as conn:
        assert await fetch_value(conn, "SELECT count(DISTINCT profile_id) FROM consents") == 2
    assert (await api.call("GET", "/o/unknown"))[0] == 404


async def test_keywords_are_shown_added_and_tried(api: Api) -> None:
    await api.call("PUT", "/v1/keywords", {"stop": ["genoeg zo"], "start": ["stop"]})
    _, body, _ = await api.call("GET", "/v1/keywords")
    assert body["own"]["stop"] == ["genoeg zo"]
    assert len(body["built_in"]) >= 12
    for text, kind in (("Genoeg zo!", "stop"), ("STOP", "stop"), ("can you stop", "near_stop_unclear"), ("hi", None)):
        _, found, _ = await api.call("POST", "/v1/keywords/test", {"text": text})
        assert found["kind"] == kind


async def test_a_link_needs_a_number_to_write_to(api: Api) -> None:
    link = {"text": "Yes, send me offers", "wording": "By sending this you agree to offers."}
    status, body, _ = await api.call("POST", "/v1/opt-in-links", link)
    assert (status, body["errors"][0]["code"]) == (422, "no_number")
    from sojourn.channels.model import NewSender
    from sojourn.channels.store import insert_sender

    async with api.database.transaction() as conn:
        new = NewSender(channel="whatsapp", name="Care", phone_number="+447700900000", is_default=True)
        await insert_sender(conn, api.workspace, new, webhook_app_id=None, simulated=True, now=api.now)
    status, body, _ = await api.call("POST", "/v1/opt-in-links", link)
    assert status == 201, body
    assert body["url"].startswith("https://wa.me/447700900000?text=Yes%2C%20send")
    status, image, headers = await api.call("GET", body["qr_svg"])
    assert (status, headers["content-type"]) == (200, "image/svg+xml")
    assert b"<svg" in image
    assert (await api.call("GET", body["qr_png"]))[1].startswith(b"\x89PNG")
    assert len((await api.call("GET", "/v1/opt-in-links"))[1]["items"]) == 1
