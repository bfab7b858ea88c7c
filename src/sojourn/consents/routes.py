"""HTTP: record consents, read one person's consent with its evidence, own keywords. The rest: `*_routes.py`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from sojourn.consents import form_routes, list_routes, merge_routes
from sojourn.consents.actions import record_consents
from sojourn.consents.history import HistoryLine, read_history
from sojourn.consents.keywords import load_languages, recognise
from sojourn.consents.list_routes import Channel
from sojourn.consents.model import Consent, ConsentChange, ConsentFacts, ConsentSource, ConsentState, Evidence, Purpose
from sojourn.consents.people_in import ProfileIn, resolve_people
from sojourn.consents.warnings import ConsentWarning, list_warnings
from sojourn.countries.topics import Topic
from sojourn.kit.web import ConnDep, Keys, Now
from sojourn.profiles.store import get_profile
from sojourn.workspaces import audit
from sojourn.workspaces.access import Caller, require_right
from sojourn.workspaces.actions import update_settings
from sojourn.workspaces.store import get_workspace

router = APIRouter(tags=["consents"])
router.include_router(list_routes.router)
router.include_router(form_routes.router)
router.include_router(merge_routes.router)

BATCH_MAX = 1_000


class EvidenceIn(BaseModel):
    """What proves the grant: the text as it was shown, or what names it, and where and how it was given."""

    model_config = ConfigDict(extra="forbid")
    wording: str | None = Field(None, max_length=10_000, description="The text as it was shown")
    wording_hash: str | None = Field(None, max_length=128)
    wording_version: str | None = Field(None, max_length=100)
    language: str | None = Field(None, max_length=35)
    business_name: str | None = Field(None, max_length=200)
    privacy_notice_version: str | None = Field(None, max_length=100)
    collected_by: str | None = Field(None, max_length=100, description="For example `checkout form`")
    form_id: str | None = Field(None, max_length=200)
    message_id: str | None = Field(None, max_length=200)
    ip: str | None = Field(None, max_length=45)
    data: dict[str, Any] = Field(default_factory=dict)


class ConsentIn(BaseModel):
    """One change. A withdrawal needs no evidence; a grant does."""

    model_config = ConfigDict(extra="forbid")
    profile_id: UUID | None = None
    profile: ProfileIn | None = None
    channel: Channel = "whatsapp"
    purpose: Purpose
    topic: Topic | None = None
    state: Literal["granted", "withdrawn", "pending"]
    effective_at: AwareDatetime | None = Field(None, description="When the person said so; now if left out")
    expires_at: AwareDatetime | None = None
    evidence: EvidenceIn | None = None
    locale: str | None = Field(None, max_length=35)
    idempotency_key: str | None = Field(None, min_length=1, max_length=255)


class ConsentsIn(BaseModel):
    """A batch; all of it is recorded or none."""

    consents: list[ConsentIn] = Field(min_length=1, max_length=BATCH_MAX)


class ConsentOut(BaseModel):
    """A recorded change. `is_new` is false when it had been recorded before."""

    id: UUID
    profile_id: UUID
    channel: str
    purpose: Purpose
    topic: str
    state: ConsentState
    source: ConsentSource
    effective_at: datetime
    expires_at: datetime | None
    recorded_at: datetime
    is_new: bool

    @classmethod
    def of(cls, consent: Consent) -> ConsentOut:
        """From the ledger's row."""
        return cls(**{name: getattr(consent, name) for name in cls.model_fields})


class ConsentsOut(BaseModel):
    """One row a change, in their order; `warnings` when something keeps the question from being asked."""

    items: list[ConsentOut]
    warnings: list[ConsentWarning] = []


@router.post("/v1/consents")
async def post_consents(
    body: ConsentsIn,
    conn: ConnDep,
    keys: Keys,
    now: Now,
    caller: Annotated[Caller, Depends(require_right("consents.write"))],
) -> ConsentsOut:
    """Record grants and withdrawals with their evidence; who is unknown becomes a profile.

    The state follows from effective times: an older grant never lifts a withdrawal, and of equal times the withdrawal
    wins. The same `idempotency_key`, or the same content with its `effective_at`, again changes nothing.
    """
    workspace = await get_workspace(conn, caller.workspace_id)
    region = workspace.default_country
    named = [(one.profile_id, one.profile) for one in body.consents]
    people = await resolve_people(conn, caller.workspace_id, named, path="consents", region=region, now=now)
    source = ConsentSource.MEMBER if caller.actor.startswith("member:") else ConsentSource.API
    changes = [
        ConsentChange(
            profile_id=profile_id,
            channel=one.channel,
            purpose=one.purpose,
            topic=one.topic,
            state=ConsentState(one.state),
            identity=one.profile.address_on(one.channel, region) if one.profile else None,
            effective_at=one.effective_at,
            expires_at=one.expires_at,
            evidence=Evidence(**one.evidence.model_dump()) if one.evidence else None,
            source=source,
            locale=one.locale,
            key=f"api:{one.idempotency_key}" if one.idempotency_key else None,
        )
        for one, profile_id in zip(body.consents, people, strict=True)
    ]
    days = workspace.settings.double_opt_in_days
    consents = await record_consents(conn, caller.workspace_id, changes, keys=keys, now=now, pending_days=days)
    fresh = [consent for consent in consents if consent.is_new]
    if fresh:
        told = {"entries": len(fresh)}
        await audit.record(
            conn, caller, caller.workspace_id, "consents.recorded", "consent_entry", fresh[0].id, told, now
        )
    warnings = await list_warnings(conn, workspace, [consent.state for consent in consents])
    return ConsentsOut(items=[ConsentOut.of(consent) for consent in consents], warnings=warnings)


class ScopeOut(BaseModel):
    """What holds for a purpose or topic on a channel."""

    channel: str
    purpose: str
    topic: str
    state: ConsentState
    since: datetime | None
    expires_at: datetime | None
    withdrawn_at: datetime | None


class ChannelOut(BaseModel):
    """What else stops marketing on a channel."""

    channel: str
    platform_stop_at: datetime | None
    hold_since: datetime | None
    suppressions: list[str]


class LineOut(BaseModel):
    """A line of the ledger."""

    id: UUID
    kind: str
    channel: str
    purpose: str
    topic: str
    state: str
    source: str
    effective_at: datetime
    expires_at: datetime | None
    recorded_at: datetime
    address: str | None
    evidence: dict[str, Any] | None

    @classmethod
    def of(cls, line: HistoryLine) -> LineOut:
        """From a stored line with its opened parts."""
        names = ("id", "kind", "channel", "purpose", "topic", "state", "source", "effective_at", "expires_at",
                 "recorded_at")  # fmt: skip
        evidence = None
        if line.evidence is not None:
            every = {name: getattr(line.evidence, name) for name in Evidence.__slots__}
            evidence = {name: value for name, value in every.items() if value not in (None, {}, "")}
        return cls(
            **{name: line.row[name] for name in names},
            address=line.address.value if line.address else None,
            evidence=evidence,
        )


class ProfileConsentsOut(BaseModel):
    """One person's consent: what holds now, and how it came about, newest first."""

    profile_id: UUID
    current: list[ScopeOut]
    channels: list[ChannelOut]
    history: list[LineOut]
    is_intact: bool = Field(description="Every line of the ledger follows from the one before")


@router.get("/v1/profiles/{profile_id}/consents")
async def get_profile_consents(
    profile_id: UUID,
    conn: ConnDep,
    keys: Keys,
    now: Now,
    caller: Annotated[Caller, Depends(require_right("consents.read"))],
) -> ProfileConsentsOut:
    """One person's consent. Evidence and addresses need the right `evidence.read`, and reading them is audited."""
    profile = await get_profile(conn, caller.workspace_id, profile_id)
    may_see = caller.may("evidence.read")
    history = await read_history(conn, caller.workspace_id, profile.id, keys=keys, with_evidence=may_see, now=now)
    if may_see and history.lines:
        await audit.record(conn, caller, caller.workspace_id, "evidence.read", "profile", profile.id, {}, now)
    return ProfileConsentsOut(
        profile_id=profile.id,
        current=[scope for channel, facts in history.current.items() for scope in _scopes(channel, facts)],
        channels=[_channel(channel, facts) for channel, facts in history.current.items()],
        history=[LineOut.of(line) for line in history.lines],
        is_intact=history.is_intact,
    )


def _scopes(channel: str, facts: ConsentFacts) -> list[ScopeOut]:
    return [
        ScopeOut(
            channel=channel,
            purpose=purpose,
            topic=topic,
            state=fact.state,
            since=fact.since,
            expires_at=fact.expires_at,
            withdrawn_at=fact.withdrawn_at,
        )
        for (purpose, topic), fact in sorted(facts.scopes.items())
    ]


def _channel(channel: str, facts: ConsentFacts) -> ChannelOut:
    return ChannelOut(
        channel=channel,
        platform_stop_at=facts.platform_stop_at,
        hold_since=facts.hold_since,
        suppressions=[entry.reason.value for entry in facts.suppressions],
    )


Words = Annotated[list[Annotated[str, Field(min_length=1, max_length=100)]], Field(max_length=200)]


class OwnWords(BaseModel):
    """Own words; they are added to the built-in ones and never take one away."""

    stop: Words = []
    start: Words = []
    help: Words = []


class KeywordsOut(BaseModel):
    """The words that are recognised as whole messages, a language each, and the own ones."""

    built_in: list[dict[str, Any]]
    own: OwnWords


@router.get("/v1/keywords")
async def get_keywords(
    conn: ConnDep, caller: Annotated[Caller, Depends(require_right("consents.read"))]
) -> KeywordsOut:
    """The words by which people stop, start and ask for help."""
    settings = (await get_workspace(conn, caller.workspace_id)).settings
    shown = ("language", "stop", "stop_all", "start", "help", "ordinary")
    return KeywordsOut(
        built_in=[{name: data.get(name, []) for name in shown} for data in load_languages()],
        own=OwnWords(
            stop=list(settings.extra_stop_words),
            start=list(settings.extra_start_words),
            help=list(settings.extra_help_words),
        ),
    )


@router.put("/v1/keywords")
async def put_keywords(
    body: OwnWords,
    conn: ConnDep,
    now: Now,
    caller: Annotated[Caller, Depends(require_right("consents.write"))],
) -> OwnWords:
    """Set the own words. A built-in word keeps its meaning, whatever list it stands in here."""
    words = {"extra_stop_words": body.stop, "extra_start_words": body.start, "extra_help_words": body.help}
    await update_settings(conn, caller, caller.workspace_id, words, now)
    return body


class KeywordTestIn(BaseModel):
    """A message to try."""

    text: str = Field(max_length=4_096)
    question_open: bool = False
    language: str | None = Field(None, max_length=35)


class KeywordTestOut(BaseModel):
    """What it would mean; `kind` null means that it is an ordinary message."""

    kind: str | None
    language: str | None = None
    confidence: float | None = None


@router.post("/v1/keywords/test")
async def test_keyword(
    body: KeywordTestIn, conn: ConnDep, caller: Annotated[Caller, Depends(require_right("consents.read"))]
) -> KeywordTestOut:
    """Try what a message would mean; nothing is recorded."""
    settings = (await get_workspace(conn, caller.workspace_id)).settings
    extra = {
        "stop": settings.extra_stop_words,
        "start": settings.extra_start_words,
        "help": settings.extra_help_words,
    }
    languages = [body.language] if body.language else []
    match = recognise(body.text, question_open=body.question_open, extra=extra, languages=languages)
    if match is None:
        return KeywordTestOut(kind=None)
    return KeywordTestOut(kind=match.kind, language=match.language, confidence=match.confidence)
