"""Opt-in forms: what people read when they agree, version by version, and what happens when one is sent in."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from sojourn.consents import form_store
from sojourn.consents.actions import record_consents
from sojourn.consents.errors import SlugTaken, TooManySubmissions, UnknownForm, UnknownWording
from sojourn.consents.form_store import StoredForm
from sojourn.consents.model import ConsentChange, ConsentSource, ConsentState, Evidence, Purpose
from sojourn.consents.store import read_consent_facts
from sojourn.countries.topics import InvalidTopic, normalise_topic
from sojourn.kit.crypto import KeyRing
from sojourn.kit.database import Conn
from sojourn.kit.ids import new_id
from sojourn.profiles.actions import resolve_refs, update_attributes
from sojourn.profiles.model import Identity, ProfileRef, Scheme
from sojourn.profiles.phone_numbers import normalise
from sojourn.workspaces import audit
from sojourn.workspaces.model import Workspace

SUBMISSIONS_AN_HOUR = 20  # a client
REMINDER_AFTER = timedelta(days=3)


class Wording(msgspec.Struct, frozen=True, kw_only=True):
    """The text that people agree to, in one language. `hash` names it: the caller's own word, else its digest."""

    language: str
    text: str
    hash: str = ""

    def name(self) -> str:
        """What the wording is known by in submissions and evidence."""
        return self.hash or hashlib.sha256(self.text.encode()).hexdigest()[:16]


class Topic(msgspec.Struct, frozen=True, kw_only=True):
    """Something one can choose on a form: a key that is stored, and a label a language."""

    key: str
    labels: dict[str, str] = {}

    def label(self, language: str) -> str:
        """The label in a language, else in English, else the key."""
        return self.labels.get(language) or self.labels.get("en") or self.key


class FormContent(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a form: all that a person sees and agrees to."""

    name: str
    business_name: str
    wordings: list[Wording]
    channel: str = "whatsapp"
    purpose: str = "marketing"
    topics: list[Topic] = []
    privacy_notice_version: str = ""
    privacy_notice_url: str = ""
    double_opt_in: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A form that was sent in. `client` is who sent it (an address of the network), for the limit; None: none."""

    phone: str
    topics: tuple[str, ...] = ()
    locale: str | None = None
    ip: str | None = None
    wording_hash: str | None = None
    client: str | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """What became of it: whose it is, and what holds for them now, also when the form was sent in before."""

    profile_id: UUID
    state: ConsentState


async def save_form(
    conn: Conn, workspace_id: UUID, slug: str, content: FormContent, *, actor: str, now: datetime
) -> StoredForm:
    """Create a form, or add a version to it; the same content again changes nothing. Old versions stay as evidence.

    Raises SlugTaken when another workspace uses the name.
    """
    old = await form_store.find_form(conn, slug)
    if old is not None and old.workspace_id != workspace_id:
        raise SlugTaken(slug=slug)
    data = msgspec.to_builtins(content)
    if old is not None and old.content == data:
        return old
    form = await form_store.upsert_form(
        conn, workspace_id, form_id=old.id if old else new_id(now), slug=slug, content=data, actor=actor, now=now
    )
    changes = {"version": form.version}
    await audit.record(conn, actor, workspace_id, "opt_in_form.saved", "opt_in_form", form.id, changes, now)
    return form


async def find_open_form(conn: Conn, slug: str) -> StoredForm:
    """The form behind a name. Raises UnknownForm when there is none or it is closed."""
    form = await form_store.find_form(conn, slug)
    if form is None or not form.is_open:
        raise UnknownForm(slug=slug)
    return form


async def submit_form(
    conn: Conn,
    form: StoredForm,
    submission: Submission,
    *,
    workspace: Workspace,
    keys: KeyRing,
    now: datetime,
    system_now: datetime,
) -> Submitted:
    """Take in a form: pending where double opt-in is on, else granted, with the wording that the person saw.

    Raises InvalidIdentity, UnknownWording, TooManySubmissions. `system_now` is the machine's time, for the limit.
    """
    content = form_content(form)
    await _limit(conn, form, submission, keys=keys, system_now=system_now)
    wording, version = await _find_wording(conn, form, submission)
    phone = normalise(Scheme.PHONE, submission.phone, workspace.default_country)
    ref = ProfileRef(identities=(Identity(Scheme.PHONE, phone),))
    [found] = await resolve_refs(conn, workspace.id, [ref], now=now, source="form")
    if found.is_new and submission.locale:
        locale = {"locale": submission.locale}
        await update_attributes(conn, workspace.id, [(found.profile_id, locale)], now, source="form")
    double = content.double_opt_in if content.double_opt_in is not None else workspace.settings.double_opt_in
    chosen = _chosen(content, submission)
    state = ConsentState.PENDING if double else ConsentState.GRANTED
    evidence = _evidence(form, content, wording, version, submission)
    changes = [
        ConsentChange(
            profile_id=found.profile_id,
            channel=content.channel,
            purpose=Purpose(content.purpose),
            topic=topic,
            state=state,
            identity=Identity(Scheme.PHONE, phone),
            evidence=evidence,
            source=ConsentSource.FORM,
            locale=submission.locale or wording.language,
            key=f"form:{form.id}:{submission.key}:{topic}" if submission.key else None,
        )
        for topic in (None, *chosen)
    ]
    settings = workspace.settings
    reminder = REMINDER_AFTER if settings.double_opt_in_reminder else None
    days = settings.double_opt_in_days
    await record_consents(conn, workspace.id, changes, keys=keys, now=now, pending_days=days, reminder_after=reminder)
    facts = await read_consent_facts(conn, workspace.id, [found.profile_id], content.channel, now, keys=keys)
    return Submitted(profile_id=found.profile_id, state=facts[found.profile_id].state(content.purpose))


def _chosen(content: FormContent, submission: Submission) -> list[str]:
    """The topics that the person chose: of the form's own, where it has some. What is no topic is none."""
    wanted: dict[str, None] = {}
    for text in submission.topics:
        with suppress(InvalidTopic):
            wanted[normalise_topic(text)] = None
    own = {topic.key.casefold() for topic in content.topics}
    return [topic for topic in wanted if not own or topic in own]


def form_content(form: StoredForm) -> FormContent:
    """The content of a stored form."""
    return msgspec.convert(form.content, FormContent)


def wording_for(content: FormContent, locale: str | None) -> Wording:
    """The wording in the language of a locale, else the first one."""
    language = (locale or "").replace("-", "_").split("_")[0].lower()
    return next((one for one in content.wordings if one.language == language), content.wordings[0])


async def _find_wording(conn: Conn, form: StoredForm, submission: Submission) -> tuple[Wording, int]:
    """The wording that the person saw, of whatever version, and that version's number."""
    if submission.wording_hash is None:
        return wording_for(form_content(form), submission.locale), form.version
    for version, data in await form_store.list_versions(conn, form.id):
        for wording in msgspec.convert(data, FormContent).wordings:
            if wording.name() == submission.wording_hash:
                return wording, version
    raise UnknownWording(slug=form.slug, wording_hash=submission.wording_hash)


def _evidence(
    form: StoredForm, content: FormContent, wording: Wording, version: int, submission: Submission
) -> Evidence:
    data: Mapping[str, Any] = {"form_version": version, "topics": list(submission.topics)}
    return Evidence(
        wording=wording.text,
        wording_hash=wording.name(),
        wording_version=str(version),
        language=wording.language,
        business_name=content.business_name,
        privacy_notice_version=content.privacy_notice_version or None,
        collected_by="form",
        form_id=form.slug,
        ip=submission.ip,
        data=data,
    )


async def _limit(conn: Conn, form: StoredForm, submission: Submission, *, keys: KeyRing, system_now: datetime) -> None:
    if submission.client is None:
        return
    client = keys.keyed_hash(submission.client, purpose="opt_in_client")
    window = system_now.replace(minute=0, second=0, microsecond=0)
    hits = await form_store.count_hit(conn, form.workspace_id, client, window)
    if hits > SUBMISSIONS_AN_HOUR:
        wait = (window + timedelta(hours=1) - system_now).total_seconds()
        raise TooManySubmissions(limit=SUBMISSIONS_AN_HOUR, retry_after_seconds=int(wait) + 1)
