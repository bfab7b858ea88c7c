"""Collects every mistake in a message, each with its field and limit, instead of stopping at the first."""

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from sojourn.channels.content import MediaRef
from sojourn.channels.whatsapp import limits
from sojourn.kit.errors import FieldError

_MEDIA_ID = re.compile(r"^[A-Za-z0-9_-]{1,128}$")


class Checks:
    """The mistakes found so far. `resolved`: media must carry the provider's id or a link, no asset of ours."""

    __slots__ = ("errors", "resolved")

    def __init__(self, *, resolved: bool) -> None:
        self.errors: list[FieldError] = []
        self.resolved = resolved

    def fail(self, field: str, code: str, message: str, limit: int | str | None = None) -> None:
        """Note a mistake."""
        error = FieldError(field=field, code=code, message=message)
        if limit is not None:
            error["limit"] = limit
        self.errors.append(error)

    def text(self, field: str, value: object, max_length: int) -> str:
        """A required text: not blank, at most `max_length` characters. Returns it ("" when it is none)."""
        if not isinstance(value, str):
            self.fail(field, "required" if value is None else "not_text", f"{field} must be a text")
            return ""
        if not value.strip():
            self.fail(field, "required", f"{field} must not be empty")
        elif len(value) > max_length:
            self.fail(field, "too_long", f"{field} has {len(value)} of at most {max_length} characters", max_length)
        return value

    def line(self, field: str, value: object, max_length: int) -> str:
        """A required text without line breaks."""
        text = self.text(field, value, max_length)
        if "\n" in text or "\r" in text:
            self.fail(field, "line_break", f"{field} must be one line")
        return text

    def key(self, field: str, value: object, max_length: int) -> str:
        """An id: a line without spaces around it."""
        text = self.line(field, value, max_length)
        if text != text.strip():
            self.fail(field, "spaces_around", f"{field} must not begin or end with a space")
        return text

    def count(self, field: str, items: Sequence[object], least: int, most: int) -> None:
        """A list with `least` to `most` entries."""
        if len(items) < least:
            self.fail(field, "too_few", f"{field} has {len(items)} of at least {least} entries", least)
        elif len(items) > most:
            self.fail(field, "too_many", f"{field} has {len(items)} of at most {most} entries", most)

    def unique(self, field: str, values: Sequence[str]) -> None:
        """No value twice."""
        twice = sorted({value for value in values if values.count(value) > 1})
        if twice:
            self.fail(field, "not_unique", f"{field} must differ from each other")

    def url(self, field: str, value: object) -> str:
        """An http or https address."""
        text = self.key(field, value, limits.URL_MAX)
        try:
            parts = urlsplit(text)
            valid = parts.scheme in ("http", "https") and bool(parts.hostname) and " " not in text
        except ValueError:
            valid = False
        if text and not valid:
            self.fail(field, "not_a_url", f"{field} must be an http or https address")
        return text

    def number(self, field: str, value: object, least: float, most: float) -> None:
        """A number in a range."""
        if not isinstance(value, int | float) or isinstance(value, bool):
            self.fail(field, "not_a_number", f"{field} must be a number")
        elif not least <= value <= most:
            self.fail(field, "out_of_range", f"{field} must lie between {least} and {most}", f"{least}..{most}")

    def one_of(self, field: str, value: object, allowed: Sequence[str]) -> None:
        """One of a few words."""
        if value not in allowed:
            self.fail(field, "not_allowed", f"{field} must be one of {', '.join(allowed)}", ", ".join(allowed))

    def media(self, field: str, media: MediaRef) -> dict[str, Any]:
        """Exactly one source of a file; returns the Graph media object."""
        given = [name for name in ("id", "link", "asset_id") if getattr(media, name) is not None]
        if len(given) != 1:
            self.fail(field, "one_source", f"{field} needs exactly one of id, link and asset_id", 1)
            return {}
        if media.link is not None:
            return {"link": self.url(f"{field}.link", media.link)}
        if media.id is not None:
            if not _MEDIA_ID.match(media.id):
                self.fail(f"{field}.id", "not_an_id", f"{field}.id must be a media id")
            return {"id": media.id}
        if not _is_uuid(media.asset_id):
            self.fail(f"{field}.asset_id", "not_an_id", f"{field}.asset_id must be the id of a media asset")
        if self.resolved:
            self.fail(f"{field}.asset_id", "unresolved_media", f"{field} is not uploaded for this sender")
        return {"id": "0"}


def _is_uuid(value: object) -> bool:
    try:
        return bool(UUID(str(value)))
    except ValueError:
        return False
