"""The stored form of what was asked for: the message of a request as JSON bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sojourn.deliveries.model import FreeMessage, Message, TemplateMessage
from sojourn.kit import json


def encode_message(message: Message) -> bytes:
    """A message as it is stored with its delivery."""
    if isinstance(message, TemplateMessage):
        data: dict[str, Any] = {"template": message.template, "variables": message.variables}
        if message.language:
            data["language"] = message.language
        if message.reply_ids:
            data["reply_ids"] = message.reply_ids
        return json.encode(data)
    return json.encode({"content": message.content, "variables": message.variables})


def decode_message(data: bytes | Mapping[str, Any]) -> Message:
    """The message back. An erased one is an empty free message, which no channel takes."""
    values = json.decode(bytes(data)) if isinstance(data, bytes | memoryview) else data
    if "template" in values:
        return TemplateMessage(
            template=values["template"],
            language=values.get("language"),
            variables=values.get("variables", {}),
            reply_ids=values.get("reply_ids", {}),
        )
    return FreeMessage(content=values.get("content", {}), variables=values.get("variables", {}))
