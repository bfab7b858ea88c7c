"""Templates: written, checked, submitted to the simulator, kept in agreement with it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from uuid import uuid4

import pytest
from fastapi import FastAPI

from sojourn.channels.signals import TemplateReviewed
from sojourn.kit.errors import InvalidInput
from sojourn.kit.web import install_error_handlers
from sojourn.templates import actions, store, sync
from sojourn.templates.model import (
    Category,
    NoSender,
    PurposeIsFixed,
    TemplateDraft,
    TemplateExists,
    TemplateInUse,
    VariablePolicy,
    VariantDraft,
    VariantState,
)
from sojourn.templates.routes import router
from sojourn.templates.signals import SubmitVariant
from sojourn.workspaces import actions as workspaces
from sojourn.workspaces.store import list_audit_entries
from tests.integration.templates.conftest import WABA
from tests.support.api import Api

BODY = {"type": "BODY", "text": "Hi {{first_name}}, your order {{order_id}} left our roastery with the courier today."}
REPLY = {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "Thank you", "id": "thanks"}]}


def draft(*components, **changes):
    values = {
        "name": "order_shipped",
        "purpose": "transactional",
        "category": Category.UTILITY,
        "default_language": "en",
        "variants": (VariantDraft(language="en", components=list(components or (BODY, REPLY))),),
        "variables": {"first_name": VariablePolicy(value="{{ profile.first_name }}", default="there")},
        **changes,
    }
    return TemplateDraft(**values)


async def test_a_template_is_written_once_and_versioned(conn, now):
    workspace = uuid4()
    made = await actions.create_template(conn, "key:1", workspace, draft(), now=now)
    assert made.variants["en"].state == VariantState.DRAFT
    with pytest.raises(TemplateExists):
        await actions.create_template(conn, "key:1", workspace, draft(), now=now)
    with pytest.raises(InvalidInput):
        await actions.create_template(conn, "key:1", workspace, draft(name="x", variants=()), now=now)
    with pytest.raises(PurposeIsFixed):
        await actions.update_template(conn, "key:1", workspace, made.id, draft(purpose="regulatory"), now=now)
    two = (*draft().variants, VariantDraft(language="nl-be", components=[BODY]))
    changed = await actions.update_template(conn, "key:1", workspace, made.id, draft(variants=two), now=now)
    assert (changed.version, set(changed.variants)) == (2, {"en", "nl_BE"})
    assert [row["version"] for row in await store.list_versions(conn, made.id)] == [2, 1]
    actions_done = {entry.action for entry in await list_audit_entries(conn, workspace, limit=9)}
    assert actions_done == {"template.created", "template.changed"}


async def test_templates_are_found_for_sending_by_name_or_id_in_an_account(conn, now):
    workspace = uuid4()
    made = await actions.create_template(conn, "key:1", workspace, draft(), now=now)
    found = await store.get_templates_for_send(conn, workspace, [str(made.id), "order_shipped", "nothing"])
    assert set(found) == {str(made.id), "order_shipped"}
    [variant] = made.variants.values()
    approved = replace(variant, state=VariantState.APPROVED, waba_id="w1")
    await store.upsert_variants(conn, workspace, [(made.id, approved)], now)
    for waba, languages in ((None, {"en"}), ("w1", {"en"}), ("w2", set())):
        found = await store.get_templates_for_send(conn, workspace, ["order_shipped"], waba_id=waba)
        assert set(found["order_shipped"].variants) == languages


async def test_a_template_in_use_is_not_put_away(conn, now):
    workspace, journey = uuid4(), uuid4()
    made = await actions.create_template(conn, "key:1", workspace, draft(), now=now)
    await actions.register_use(conn, [made.id], owner_kind="journey", owner_id=journey, now=now)
    with pytest.raises(TemplateInUse):
        await actions.archive_template(conn, "key:1", workspace, made.id, now)
    await actions.register_use(conn, [], owner_kind="journey", owner_id=journey, now=now)
    await actions.archive_template(conn, "key:1", workspace, made.id, now)
    assert await store.list_templates(conn, workspace, after=None, limit=5) == []


async def test_without_a_sender_nothing_can_be_submitted(conn, now):
    workspace = uuid4()
    made = await actions.create_template(conn, "key:1", workspace, draft(), now=now)
    with pytest.raises(NoSender):
        await actions.submit_template(conn, "key:1", workspace, made.id, now=now)


async def submit(work, workspace, template, sender, **more):
    async with work.transaction() as conn:
        made = await actions.submit_template(conn, "key:1", workspace.id, template.id, now=work.now(), **more)
    for variant in made.variants.values():
        if variant.state == VariantState.SUBMITTING:
            job = SubmitVariant(workspace_id=workspace.id, variant_id=variant.id, sender_id=sender.id)
            await sync.submit(work, job)
            await sync.submit(work, job)
    async with work.transaction() as conn:
        return await store.get_template(conn, workspace.id, template.id)


async def read_variant(work, workspace, sender, made):
    await sync.read_account(work, sender.id)
    async with work.transaction() as conn:
        return (await store.get_template(conn, workspace.id, made.id)).variants["en"]


async def test_a_template_is_submitted_reviewed_and_kept_in_agreement(work, workspace, sender, sim):
    async with work.transaction() as conn:
        made = await actions.create_template(conn, "key:1", workspace.id, draft(), now=work.now())
    submitted = (await submit(work, workspace, made, sender)).variants["en"]
    assert submitted.state in (VariantState.PENDING, VariantState.APPROVED)
    assert submitted.provider_template_id
    await sim("/sim/clock", {"advance_seconds": 3600})
    async with asyncio.timeout(20):  # the review happens in the simulator's own time after the push
        while (variant := await read_variant(work, workspace, sender, made)).state != VariantState.APPROVED:
            await asyncio.sleep(0.05)
    assert variant.components == [BODY, REPLY], "what is ours alone survives a reading"
    assert await sync.read_account(work, sender.id) == {"added": 0, "changed": 0, "gone": 0}

    renamed = [BODY, {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "Thank you", "id": "ok"}]}]
    async with work.transaction() as conn:
        same_form = await actions.update_template(conn, "key:1", workspace.id, made.id, draft(*renamed), now=work.now())
        assert same_form.variants["en"].state == VariantState.APPROVED
        longer = {**BODY, "text": BODY["text"] + " Enjoy it."}
        new_form = await actions.update_template(
            conn, "key:1", workspace.id, made.id, draft(longer, REPLY), now=work.now()
        )
        assert new_form.variants["en"].state == VariantState.DRAFT
    edited = await submit(work, workspace, made, sender)
    assert edited.variants["en"].state in (VariantState.PENDING, VariantState.APPROVED, VariantState.REJECTED)

    async with work.transaction() as conn:
        history = await store.list_history(conn, workspace.id, made.id)
    assert "state" in {entry.what for entry in history}
    assert {entry.source for entry in history} >= {"submit"}


async def test_a_refusal_is_shown_with_the_providers_words(work, workspace, sender, sim):
    async with work.transaction() as conn:
        made = await actions.create_template(conn, "key:1", workspace.id, draft(), now=work.now())
        [variant] = made.variants.values()
        broken = replace(variant, components=[{"type": "BODY", "text": "{{first_name}} {{order_id}}"}])
        await store.upsert_variants(conn, workspace.id, [(made.id, broken)], work.now())
    refused = (await submit(work, workspace, made, sender)).variants["en"]
    assert refused.state == VariantState.REJECTED
    assert refused.rejected_reason


async def test_an_account_brings_its_templates_and_loses_them(work, workspace, sender):
    item = {
        "id": "700100200300", "name": "spring_sale", "language": "en_GB", "status": "APPROVED",
        "category": "MARKETING", "parameter_format": "POSITIONAL", "quality_score": {"score": "GREEN"},
        "components": [{"type": "BODY", "text": "Hi {{1}}, everything is cheaper today."}],
    }  # fmt: skip
    async with work.transaction() as conn:
        for counts in ({"added": 1, "changed": 0, "gone": 0}, {"added": 0, "changed": 0, "gone": 0}):
            assert await actions.apply_listing(conn, workspace.id, WABA, [item], now=work.now()) == counts
        made = await store.find_template(conn, workspace.id, "spring_sale")
        assert (made.purpose, made.parameter_format) == ("marketing", "positional")
        assert (made.variants["en_GB"].state, made.variants["en_GB"].quality) == (VariantState.APPROVED, "green")
        worse = {**item, "quality_score": {"score": "RED"}, "status": "PAUSED"}
        await actions.apply_listing(conn, workspace.id, WABA, [worse], now=work.now())
        await actions.apply_listing(conn, workspace.id, WABA, [], now=work.now())
        made = await store.find_template(conn, workspace.id, "spring_sale")
        assert made.variants["en_GB"].state == VariantState.DELETED
        whats = [(entry.what, entry.new_value) for entry in await store.list_history(conn, workspace.id, made.id)]
    assert set(whats) >= {("quality", "red"), ("state", "paused"), ("state", "deleted")}


async def test_webhooks_change_variants_and_strangers_ask_for_a_reading(work, workspace, sender):
    def news(event, **more):
        values = {"provider_template_id": "7001", "name": "order_shipped", "language": "en", **more}
        return TemplateReviewed(workspace_id=workspace.id, waba_id=WABA, event=event, at=work.now(), **values)

    async with work.transaction() as conn:
        made = await actions.create_template(conn, "key:1", workspace.id, draft(), now=work.now())
        [variant] = made.variants.values()
        waiting = replace(variant, state=VariantState.PENDING, waba_id=WABA)
        await store.upsert_variants(conn, workspace.id, [(made.id, waiting)], work.now())
        stories = [
            ([news("approved")], ("approved", "utility", "unknown", None)),
            ([news("quality", quality="yellow")], ("approved", "utility", "yellow", None)),
            ([news("category_impending", category="marketing")], ("approved", "utility", "yellow", "marketing")),
            ([news("category_changed", category="marketing")], ("approved", "marketing", "yellow", None)),
            ([news("paused", reason="FIRST_PAUSE"), news("reinstated")], ("approved", "marketing", "yellow", None)),
            ([news("something_new")], ("approved", "marketing", "yellow", None)),
            ([news("rejected", reason="INVALID_FORMAT")], ("rejected", "marketing", "yellow", None)),
        ]
        for batch, expected in stories:
            await sync.take_news(conn, batch)
            one = (await store.get_template(conn, workspace.id, made.id)).variants["en"]
            assert (one.state, one.category, one.quality, one.correct_category) == expected
            assert one.provider_template_id == "7001"
        await sync.take_news(conn, [news("approved", name="stranger", provider_template_id="9")])
        rows = await (await conn.execute("SELECT handler, count(*) AS n FROM jobs GROUP BY 1")).fetchall()
    counts = {row["handler"]: row["n"] for row in rows}
    assert counts["templates.sync_templates"] == 1
    assert set(counts) == {"channels.check_senders", "templates.sync_templates"}


async def test_a_delivery_may_switch_a_variant_off(conn, now):
    workspace = uuid4()
    made = await actions.create_template(conn, "key:1", workspace, draft(), now=now)
    [variant] = made.variants.values()
    assert await actions.set_variant_state(conn, workspace, variant.id, "paused", reason="132015", now=now)
    assert not await actions.set_variant_state(conn, workspace, uuid4(), "paused", reason=None, now=now)
    assert (await store.get_template(conn, workspace, made.id)).variants["en"].state == VariantState.PAUSED


async def test_the_api_writes_lists_and_previews(work, workspace, database):
    async with work.transaction() as conn:
        _, key = await workspaces.create_key(conn, workspace.id, "api", now=work.now())
    app = FastAPI()
    app.state.db, app.state.clock, app.state.keys = database, work.clock, work.keys
    app.include_router(router)
    install_error_handlers(app)
    api = Api(app, key)
    body = {
        "name": "order_shipped", "purpose": "transactional", "category": "utility", "default_language": "en",
        "variables": {"first_name": {"value": "{{ profile.first_name }}", "default": "there"}},
        "variants": [{"language": "en", "components": [BODY, REPLY]}],
    }  # fmt: skip
    made = await api.call("POST", "/v1/templates", body)
    assert (made.status, made.json["variants"][0]["state"]) == (201, "draft")
    listed = await api.call("GET", "/v1/templates?limit=1")
    assert ([one["name"] for one in listed.json["items"]], listed.json["next_cursor"]) == (["order_shipped"], None)
    path = f"/v1/templates/{made.json['id']}"
    preview = await api.call("POST", f"{path}/preview", {"context": {"order_id": "B-1"}})
    assert preview.json["text"].startswith("Hi there, your order B-1 left")
    missing = await api.call("POST", f"{path}/preview", {})
    assert (missing.json["missing_variable"], missing.json["reaction"]) == ("order_id", "skip")
    bad = await api.call("POST", "/v1/templates", {**body, "name": "Bad Name", "purpose": "promo"})
    assert (bad.status, [one["field"] for one in bad.json["errors"]]) == (422, ["name", "purpose"])
    assert (await api.call("POST", f"{path}/submit", {})).json["code"] == "no_sender"
    assert (await api.call("GET", f"{path}/history")).json == []
    assert (await api.call("DELETE", path)).status == 204
    assert (await api.call("GET", "/v1/templates?cursor=x")).status == 422
