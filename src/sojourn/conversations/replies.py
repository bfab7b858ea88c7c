"""The automatic answers about consent, as requests for messages. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sojourn.channels.base import InboundMessage
from sojourn.consents.texts import channel_name, language_of, text_of
from sojourn.conversations.consent_words import CHANNEL, Answer
from sojourn.countries.purposes import Purpose
from sojourn.deliveries.model import DeliveryRequest, FreeMessage, ProfileId
from sojourn.deliveries.store.automatic import AUTOMATIC
from sojourn.workspaces.model import Workspace


def answer_request(
    profile_id: ProfileId,
    message: InboundMessage,
    answer: Answer,
    languages: Sequence[str | None],
    workspace: Workspace,
    *,
    request_id: UUID | None = None,
    answers_question: bool = False,
) -> DeliveryRequest:
    """The request for an answer, in the person's language, from the sender that was written to.

    With `request_id` it is the question of a double opt-in, and a tap on it answers that one. `answers_question`: the
    person answered one of ours, so that this does not count as an automatic answer.
    """
    body = text_of(answer.text, languages)
    if answer.text == "welcome":
        body = workspace.settings.welcome_text.get(language_of(languages)) or body
    content: dict[str, Any] = {"type": "text", "body": body}
    if answer.buttons:
        buttons = [{"id": tap.value, "title": text_of(title, languages)} for tap, title in answer.buttons]
        content = {"type": "buttons", "body": body, "buttons": buttons}
    return _request(
        profile_id,
        message,
        answer.key,
        content,
        workspace,
        purpose=answer.purpose,
        request_id=request_id,
        step_key=None if answers_question else AUTOMATIC,
    )


def help_request(
    profile_id: ProfileId, message: InboundMessage, languages: Sequence[str | None], workspace: Workspace
) -> DeliveryRequest:
    """The answer to a word for help: the workspace's own text, else the built-in one; once a conversation and hour."""
    body = workspace.settings.help_text or text_of("help", languages)
    key = f"help:{profile_id}:{message.sender_id}:{message.at.strftime('%Y-%m-%dT%H')}"
    content = {"type": "text", "body": body}
    return _request(profile_id, message, key, content, workspace, purpose=Purpose.SERVICE)


def _request(
    profile_id: ProfileId,
    message: InboundMessage,
    key: str,
    content: dict[str, Any],
    workspace: Workspace,
    *,
    purpose: Purpose,
    request_id: UUID | None = None,
    step_key: str | None = AUTOMATIC,
) -> DeliveryRequest:
    variables = {"business": workspace.business_name, "channel": channel_name(CHANNEL)}
    return DeliveryRequest(
        key=key,
        profile_id=profile_id,
        purpose=purpose,
        message=FreeMessage(content=content, variables=variables),
        channel=CHANNEL,
        sender_id=message.sender_id,
        owner_kind="conversation" if request_id is None else "preferences",
        owner_id=request_id,
        step_key=step_key,
    )
