"""What a message or tap means for consent, and what is answered. Pure.

A withdrawal takes effect at the end of the second in which it was said, because providers tell whole seconds: nothing
that was granted earlier in that second may win over it. A grant by a tap is later than the message that was tapped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Literal
from uuid import UUID

from sojourn.consents.keywords import KeywordKind, KeywordMatch
from sojourn.consents.model import ConsentChange, ConsentFacts, ConsentSource, ConsentState, Evidence, Purpose
from sojourn.countries.purposes import Purpose as AnyPurpose

CHANNEL = "whatsapp"
LAST_OF_SECOND = timedelta(microseconds=999_999)
MOMENT_LATER = timedelta(microseconds=1)


class TapId(StrEnum):
    """Plain ids of our own buttons. Stored in messages that people keep: they never change their spelling."""

    YES = "yes"
    NO = "no"
    STOP = "stop"
    STOP_ALL = "stop_all"
    BACK = "consent_back"
    HOLD_STOP = "hold_stop"
    HOLD_KEEP = "hold_keep"


OWN_OWNERS = frozenset({"preferences", "conversation"})
TAP_ACTIONS: Mapping[str, TapId] = {tap.value: tap for tap in TapId}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tap:
    """A tapped button: its plain id, and the delivery that carried it (None when none of ours did)."""

    plain_id: str
    owner_kind: str | None = None
    owner_id: UUID | None = None
    asked_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One message with what must be known to understand it. `at` is the message's own time, in whole seconds."""

    profile_id: UUID
    message_id: str
    text: str | None
    at: datetime
    now: datetime
    day: date
    facts: ConsentFacts
    match: KeywordMatch | None = None
    tap: Tap | None = None
    open_request_id: UUID | None = None
    was_granted: Sequence[str | None] = ()
    double_opt_in: bool = False
    tap_actions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is said back: a text of `consents.texts` and its buttons (plain id, text key), once a key."""

    text: str
    key: str
    buttons: Sequence[tuple[TapId, str]] = ()
    purpose: AnyPurpose = AnyPurpose.CONSENT_REQUEST


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What is to be done. `request` answers a double opt-in; `ask` puts its question into the chat."""

    changes: Sequence[ConsentChange] = ()
    request: tuple[UUID, Literal["yes", "no"], datetime] | None = None
    hold: bool = False
    release: bool = False
    ask: bool = False
    answer: Answer | None = None
    otherwise: Meaning | None = None  # what it means when the request has been closed meanwhile


def understand(heard: Heard) -> Meaning | None:
    """What a message means for consent; None when it is about something else."""
    if heard.tap is not None:
        return _tap(heard, heard.tap)
    if heard.match is None:
        return None
    match heard.match.kind:
        case KeywordKind.STOP:
            return _stop(heard, everywhere=False)
        case KeywordKind.STOP_ALL:
            return _stop(heard, everywhere=True)
        case KeywordKind.NEAR_STOP_CLEAR:
            return _stop(heard, everywhere=False, near=True)
        case KeywordKind.NEAR_STOP_UNCLEAR:
            return _hold(heard)
        case KeywordKind.START:
            return _start(heard)
        case KeywordKind.DECLINE:
            return _decline(heard)
        case KeywordKind.HELP:
            return None


def _tap(heard: Heard, tap: Tap) -> Meaning | None:
    """A button of ours, or one that the workspace has given a meaning; labels never count."""
    own = TAP_ACTIONS.get(tap.plain_id) if tap.owner_kind in OWN_OWNERS else None
    action = own or TAP_ACTIONS.get(heard.tap_actions.get(tap.plain_id, ""))
    match action:
        case TapId.YES:
            again = Meaning() if _is_granted(heard) else _ask(heard)
            if tap.owner_id is None:
                return again
            return Meaning(
                request=(tap.owner_id, "yes", _tapped_at(heard, tap)), answer=_welcome(heard), otherwise=again
            )
        case TapId.NO:
            stop = _stop(heard, everywhere=False)
            if tap.owner_id is None:
                return stop
            return Meaning(request=(tap.owner_id, "no", _stopped_at(heard)), answer=_declined(heard), otherwise=stop)
        case TapId.STOP | TapId.HOLD_STOP:
            return _stop(heard, everywhere=False, source=ConsentSource.TAP)
        case TapId.STOP_ALL:
            return _stop(heard, everywhere=True, source=ConsentSource.TAP)
        case TapId.BACK:
            return _back(heard, tap)
        case TapId.HOLD_KEEP:
            kept = Answer(text="kept", key=f"inbound:{heard.message_id}:kept", purpose=AnyPurpose.SERVICE)
            return Meaning(release=True, answer=kept)
        case None:
            return None


def _stop(
    heard: Heard, *, everywhere: bool, near: bool = False, source: ConsentSource = ConsentSource.KEYWORD
) -> Meaning:
    """Withdraw marketing and all its topics on this channel, or on every one; one confirmation a person and day."""
    channels = (CHANNEL, "*") if everywhere else (CHANNEL,)
    changes = [_withdrawal(heard, channel, source) for channel in channels]
    key = stop_key(heard.profile_id, CHANNEL, heard.day)
    if everywhere:
        return Meaning(changes=changes, answer=Answer(text="stopped_all", key=key))
    buttons = ((TapId.BACK, "back_button"),) if near else ((TapId.STOP_ALL, "stop_all_button"),)
    return Meaning(changes=changes, answer=Answer(text="near_stopped" if near else "stopped", key=key, buttons=buttons))


def stop_key(profile_id: UUID, channel: str, day: date) -> str:
    """The key of the one confirmation of a stop that a person gets a day."""
    return f"stop:{profile_id}:{channel}:{day.isoformat()}"


def _withdrawal(heard: Heard, channel: str, source: ConsentSource) -> ConsentChange:
    return ConsentChange(
        profile_id=heard.profile_id,
        channel=channel,
        purpose=Purpose.MARKETING,
        state=ConsentState.WITHDRAWN,
        effective_at=_stopped_at(heard),
        evidence=_said(heard),
        source=source,
        key=f"inbound:{heard.message_id}:stop:{channel}",
    )


def _hold(heard: Heard) -> Meaning | None:
    """Perhaps a stop: nothing promotional leaves until they answer; asked once a day."""
    if heard.facts.state(Purpose.MARKETING) is ConsentState.WITHDRAWN:
        return None
    return Meaning(
        hold=True,
        answer=Answer(
            text="ask_stop",
            key=f"ask-stop:{heard.profile_id}:{CHANNEL}:{heard.day.isoformat()}",
            buttons=((TapId.HOLD_STOP, "ask_stop_button"), (TapId.HOLD_KEEP, "ask_keep_button")),
        ),
    )


def _start(heard: Heard) -> Meaning | None:
    """The confirming word while a request is open; else an opt-in of its own, for words that say nothing else."""
    if heard.open_request_id is not None:
        return Meaning(request=(heard.open_request_id, "yes", heard.at), answer=_welcome(heard))
    if heard.match is None or heard.match.is_ordinary:
        return None
    if _is_granted(heard):
        key = f"welcome:{heard.profile_id}:{heard.day.isoformat()}"
        again = Answer(text="welcome", key=key, purpose=AnyPurpose.SERVICE)
        return Meaning(release=heard.facts.hold_since is not None, answer=again)
    if heard.double_opt_in:
        return _ask(heard)
    return Meaning(changes=[_grant(heard, None, heard.at, ConsentSource.KEYWORD)], answer=_welcome(heard))


def _decline(heard: Heard) -> Meaning | None:
    if heard.open_request_id is None:
        return None
    return Meaning(request=(heard.open_request_id, "no", _stopped_at(heard)), answer=_declined(heard))


def _ask(heard: Heard) -> Meaning:
    """A double opt-in begun in the chat: pending, with the question right here."""
    pending = ConsentChange(
        profile_id=heard.profile_id,
        channel=CHANNEL,
        purpose=Purpose.MARKETING,
        state=ConsentState.PENDING,
        effective_at=_stopped_at(heard),
        evidence=_said(heard),
        source=ConsentSource.KEYWORD,
        key=f"inbound:{heard.message_id}:ask",
    )
    question = Answer(
        text="question",
        key=f"inbound:{heard.message_id}:question",
        buttons=((TapId.YES, "yes_button"), (TapId.NO, "no_button")),
    )
    return Meaning(changes=[pending], ask=True, answer=question)


def _back(heard: Heard, tap: Tap) -> Meaning:
    """They did not mean to stop: what was granted before is granted again, by their own tap."""
    if not heard.was_granted:
        return _ask(heard)
    at = _tapped_at(heard, tap)
    changes = [_grant(heard, topic, at, ConsentSource.TAP) for topic in heard.was_granted]
    kept = Answer(text="kept", key=f"inbound:{heard.message_id}:kept")
    return Meaning(changes=changes, answer=kept)


def _grant(heard: Heard, topic: str | None, at: datetime, source: ConsentSource) -> ConsentChange:
    return ConsentChange(
        profile_id=heard.profile_id,
        channel=CHANNEL,
        purpose=Purpose.MARKETING,
        topic=topic,
        state=ConsentState.GRANTED,
        effective_at=at,
        evidence=_said(heard),
        source=source,
        key=f"inbound:{heard.message_id}:grant:{topic or ''}",
    )


def _welcome(heard: Heard) -> Answer:
    return Answer(text="welcome", key=f"inbound:{heard.message_id}:welcome")


def _declined(heard: Heard) -> Answer:
    return Answer(text="declined", key=stop_key(heard.profile_id, CHANNEL, heard.day))


def _is_granted(heard: Heard) -> bool:
    return heard.facts.state(Purpose.MARKETING) is ConsentState.GRANTED


def _said(heard: Heard) -> Evidence:
    said = {"tapped": heard.tap.plain_id} if heard.tap else {"said": heard.text or ""}
    return Evidence(message_id=heard.message_id, collected_by="chat", data=said)


def _stopped_at(heard: Heard) -> datetime:
    return min(heard.now, heard.at + LAST_OF_SECOND)


def _tapped_at(heard: Heard, tap: Tap) -> datetime:
    """Later than the message that was tapped, which is later than what it answered; never later than now."""
    at = max(heard.at, tap.asked_at + MOMENT_LATER) if tap.asked_at is not None else heard.at
    return min(heard.now, at)
