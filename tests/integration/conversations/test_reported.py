"""What the platform reports about people: stops and resumes on its side, new numbers, the two spellings of a number."""

from __future__ import annotations

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest

from sojourn.channels.signals import IdentityChanged, PreferenceReported
from sojourn.consents import store
from sojourn.consents.actions import record_consents
from sojourn.consents.model import ConsentChange, ConsentFacts, ConsentState, Evidence, Purpose
from sojourn.conversations.tasks import on_identity_changed, on_preference_reported
from sojourn.kit.crypto import KeyRing
from sojourn.kit.database import Conn
from sojourn.kit.jobs import Registry
from sojourn.profiles.actions import resolve_profiles
from sojourn.profiles.model import Identity, ProfileRef, Scheme

WORKSPACE, SENDER = uuid4(), uuid4()


@pytest.fixture
def registry() -> Registry:
    return Registry()


@pytest.fixture
def work(keys: KeyRing, now: datetime) -> Any:
    return SimpleNamespace(keys=keys, now=lambda: now)


async def person(conn: Conn, now: datetime, scheme: Scheme, value: str) -> UUID:
    ref = ProfileRef(identities=(Identity(scheme, value),))
    [profile] = await resolve_profiles(conn, WORKSPACE, [ref], now=now, source="test")
    return profile


async def grant(conn: Conn, keys: KeyRing, now: datetime, profile: UUID) -> None:
    change = ConsentChange(
        profile_id=profile,
        channel="whatsapp",
        purpose=Purpose.MARKETING,
        state=ConsentState.GRANTED,
        evidence=Evidence(form_id="co-7"),
    )
    await record_consents(conn, WORKSPACE, [change], keys=keys, now=now)


async def facts(conn: Conn, now: datetime, profile: UUID) -> ConsentFacts:
    return (await store.read_consent_facts(conn, WORKSPACE, [profile], "whatsapp", now))[profile]


async def test_the_platforms_stop_acts_beside_the_persons_own_word(
    conn: Conn, keys: KeyRing, now: datetime, work: Any
) -> None:
    profile = await person(conn, now, Scheme.PHONE, "+447700900303")
    await grant(conn, keys, now, profile)
    stop, resume = (
        PreferenceReported(
            workspace_id=WORKSPACE, sender_id=SENDER, wa_id="447700900303", user_id="GB.1", value=value, at=at
        )
        for value, at in (("stop", now - timedelta(hours=2)), ("resume", now - timedelta(hours=1)))
    )
    await on_preference_reported(work, conn, [stop])
    found = await facts(conn, now, profile)
    assert found.platform_stop_at == stop.at
    assert found.state(Purpose.MARKETING) is ConsentState.GRANTED
    await on_preference_reported(work, conn, [resume, stop])
    assert (await facts(conn, now, profile)).platform_stop_at is None, "late and repeated reports change nothing"


async def test_a_new_number_keeps_the_person_and_waits_for_a_fresh_confirmation(
    conn: Conn, keys: KeyRing, now: datetime, work: Any
) -> None:
    profile = await person(conn, now, Scheme.WA_ID, "447700900303")
    await grant(conn, keys, now, profile)
    changed = IdentityChanged(
        workspace_id=WORKSPACE,
        sender_id=SENDER,
        old_wa_id="447700900303",
        new_wa_id="447700900777",
        old_user_id="GB.1",
        new_user_id="GB.2",
        at=now,
    )
    await on_identity_changed(work, conn, [changed])
    assert await person(conn, now, Scheme.WA_ID, "447700900777") == profile
    assert (await facts(conn, now, profile)).state(Purpose.MARKETING) is ConsentState.NONE
    await grant(conn, keys, now, profile)
    assert (await facts(conn, now, profile)).state(Purpose.MARKETING) is ConsentState.GRANTED


@pytest.mark.parametrize(
    ("given", "answered"), [("+5511987654321", "551187654321"), ("+525512345678", "5215512345678")]
)
async def test_both_spellings_of_a_number_are_one_person_and_one_consent(
    conn: Conn, keys: KeyRing, now: datetime, given: str, answered: str
) -> None:
    profile = await person(conn, now, Scheme.PHONE, given)
    await grant(conn, keys, now, profile)
    assert await person(conn, now, Scheme.WA_ID, answered) == profile
    assert (await facts(conn, now, profile)).state(Purpose.MARKETING) is ConsentState.GRANTED
