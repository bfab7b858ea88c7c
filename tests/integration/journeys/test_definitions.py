"""Saving and publishing journeys."""

from __future__ import annotations

import threading
from uuid import UUID

import pytest

from sojourn.journeys import actions
from sojourn.journeys.model import JourneyInvalid, JourneyStateConflict, NothingToPublish, UnknownJourney
from sojourn.journeys.store import definitions
from sojourn.kit.database import Conn
from sojourn.kit.ids import new_id
from sojourn.workspaces.store import list_audit_entries
from tests.support.journeys import World

SMALL = "  start: {type: event_trigger, event: a, next: done}\n  done: {type: end}\n"


async def test_a_draft_is_saved_under_its_key_and_published_as_a_version(world: World) -> None:
    journey, _ = await world.publish(SMALL)
    assert (journey.state, journey.draft) == ("live", None)
    again, _ = await world.publish(SMALL.replace("event: a", "event: b"))
    assert again.id == journey.id
    latest = await definitions.find_latest_version(world.conn, journey.id)
    assert latest is not None
    assert (latest.number, latest.triggers, latest.published_by) == (2, ["b"], "key:test")
    entries = await list_audit_entries(world.conn, world.caller.workspace_id, limit=50)
    assert [entry.action for entry in entries].count("journey.published") == 2


async def test_publishing_needs_something_new(world: World) -> None:
    journey, _ = await world.publish(SMALL)
    with pytest.raises(NothingToPublish):
        await actions.publish_journey(world.conn, world.caller, journey.id, now=world.now)
    with pytest.raises(UnknownJourney):
        await actions.publish_journey(world.conn, world.caller, new_id(world.now), now=world.now)
    with pytest.raises(JourneyStateConflict):
        await actions.resume_journey(world.conn, world.caller, journey.id, now=world.now)


async def test_a_draft_may_name_templates_that_do_not_exist_yet_but_cannot_be_published(world: World) -> None:
    nodes = SMALL.replace("next: done", "next: send") + (
        "  send: {type: send_template, template: nope, purpose: marketing, next: done}\n"
    )
    with pytest.raises(JourneyInvalid) as caught:
        await world.publish(nodes)
    assert caught.value.data["errors"] == [
        {"field": "nodes.send.template", "code": "template_unknown", "message": "there is no template 'nope'"}
    ]


async def test_a_file_with_mistakes_is_refused_with_all_of_them(world: World) -> None:
    with pytest.raises(JourneyInvalid) as caught:
        await world.publish(SMALL.replace("next: done", "next: nowhere").replace("event: a", "event: 'a b'"))
    assert {error["code"] for error in caught.value.data["errors"]} >= {"pattern", "unknown_node"}


class Watched(str):
    """A file's text that notes which threads read it."""

    readers: set[int]

    def encode(self, *args: str, **options: str) -> bytes:
        self.readers.add(threading.get_ident())
        return super().encode(*args, **options)


async def test_a_file_is_checked_away_from_the_event_loop(conn: Conn) -> None:
    text = Watched("\u00e4" * 128_001)  # too long in bytes, so that only its length is looked at
    text.readers = set()
    await actions.validate_journey(conn, UUID(int=1), text)
    assert len(text.readers) == 1
    assert text.readers.isdisjoint({threading.get_ident()})
