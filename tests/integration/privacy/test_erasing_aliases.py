"""Erasing a person reaches what was recorded under profiles that were merged into them."""

from __future__ import annotations

from datetime import datetime
from uuid import uuid4

from sojourn.events.actions import record_events
from sojourn.events.model import NewEvent
from sojourn.kit.crypto import KeyRing
from sojourn.kit.database import Conn, fetch_value
from sojourn.privacy.actions import erase_people
from sojourn.profiles.actions import merge_profile, resolve_profiles
from sojourn.profiles.model import Identity, ProfileRef, Scheme


async def test_events_of_an_alias_go_with_the_person(conn: Conn, keys: KeyRing, now: datetime) -> None:
    workspace = uuid4()
    refs = [ProfileRef(identities=(Identity(Scheme.EXTERNAL_ID, name),)) for name in ("anna", "lead")]
    anna, lead = await resolve_profiles(conn, workspace, refs, now=now, source="test")
    seen = NewEvent(ref=lead, name="order.shipped", properties={"secret": "x"}, occurred_at=now)
    await record_events(conn, workspace, [seen], now=now)
    await merge_profile(conn, workspace, loser_id=lead, winner_id=anna, actor="system", now=now)
    await erase_people(conn, workspace, [anna], keys=keys, now=now)
    counted = await fetch_value(conn, "SELECT count(*) FROM events WHERE profile_id = %(id)s", {"id": lead})
    assert counted == 0
    assert await fetch_value(conn, "SELECT erased_at FROM profiles WHERE id = %(id)s", {"id": lead}) == now
