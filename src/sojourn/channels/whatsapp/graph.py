"""The shapes in which the Graph API answers. Source: Cloud API reference, sections 2.1 and 6."""

from dataclasses import dataclass
from typing import Any

import msgspec

from sojourn.channels.whatsapp.errors import CatalogueEntry, classify


class ErrorData(msgspec.Struct, frozen=True):
    """Details of an error; never parsed, only shown."""

    details: str | None = None


class ErrorBody(msgspec.Struct, frozen=True):
    """The object `error` of an answer."""

    code: int | None = None
    message: str | None = None
    error_subcode: int | None = None
    is_transient: bool = False
    error_data: ErrorData | str | None = None
    error_user_title: str | None = None
    error_user_msg: str | None = None

    @property
    def details(self) -> str:
        """The most telling sentence that the answer has."""
        data = self.error_data.details if isinstance(self.error_data, ErrorData) else self.error_data
        return self.error_user_msg or data or self.message or ""


class SentContact(msgspec.Struct, frozen=True):
    """Whom a message went to, as the platform knows them."""

    wa_id: str | None = None
    user_id: str | None = None


class SentMessage(msgspec.Struct, frozen=True):
    """The id of an accepted message."""

    id: str
    message_status: str | None = None


class SendAnswer(msgspec.Struct, frozen=True):
    """Either messages or an error."""

    messages: list[SentMessage] = []
    contacts: list[SentContact] = []
    error: ErrorBody | None = None


class GraphError(Exception):
    """The provider refused a call; `entry` says what the code means."""

    def __init__(self, error: ErrorBody, http_status: int) -> None:
        self.entry: CatalogueEntry = classify(
            error.code, error.error_subcode, http_status, is_transient=error.is_transient
        )
        self.code = error.code
        self.subcode = error.error_subcode
        self.http_status = http_status
        self.details = error.details
        self.title = error.error_user_title or self.entry.title
        super().__init__(f"{error.code}/{error.error_subcode}: {self.title}")


class GraphUnreachable(Exception):
    """The provider gave no usable answer to a call."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Bytes came back."""

    status: int
    body: bytes
    retry_after: str | None = None


@dataclass(frozen=True, slots=True)
class NotSent:
    """No byte of the request left."""

    reason: str


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """The request may have left; no whole answer came."""

    reason: str


_send_decoder = msgspec.json.Decoder(SendAnswer)
_any_decoder = msgspec.json.Decoder()


def read_send_answer(body: bytes) -> SendAnswer | None:
    """The answer to a send, or None when it is none."""
    try:
        return _send_decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def read_answer(answer: Answer) -> dict[str, Any]:
    """The JSON of a management answer. Raises GraphError for an error, GraphUnreachable for anything unreadable."""
    try:
        data = _any_decoder.decode(answer.body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise GraphUnreachable(f"HTTP {answer.status} without JSON") from error
    if not isinstance(data, dict):
        raise GraphUnreachable(f"HTTP {answer.status} with unexpected JSON")
    if isinstance(data.get("error"), dict):
        try:
            raise GraphError(msgspec.convert(data["error"], ErrorBody, strict=False), answer.status)
        except msgspec.ValidationError:
            raise GraphError(ErrorBody(), answer.status) from None
    if answer.status >= 400:
        raise GraphUnreachable(f"HTTP {answer.status}")
    return data
