"""Opt-in links and QR codes: a prefilled text with a code; whoever sends it has agreed, in their own chat."""

from __future__ import annotations

import io
import re
from datetime import datetime
from typing import Literal
from urllib.parse import quote
from uuid import UUID

import msgspec
import segno

from sojourn.consents import form_store
from sojourn.consents.form_store import StoredLink
from sojourn.consents.model import ConsentChange, ConsentSource, ConsentState, Evidence, Purpose
from sojourn.kit.database import Conn
from sojourn.kit.ids import new_id
from sojourn.workspaces import audit

CODE_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # no 0, O, 1, I: people may type it
CODE_LENGTH = 8
CODE = re.compile(r"\s*[\[(]?#([A-HJ-NP-Z2-9]{8})\b[\])]?", re.IGNORECASE)


class LinkContent(msgspec.Struct, frozen=True, kw_only=True):
    """What stands beside the link or code and what people send. `wording` is what they agree to by sending it."""

    name: str
    phone_number: str
    text: str
    wording: str
    language: str = "en"
    wording_version: str = ""
    business_name: str = ""
    privacy_notice_version: str = ""
    channel: str = "whatsapp"
    purpose: str = "marketing"
    topics: list[str] = []


async def create_link(
    conn: Conn, workspace_id: UUID, content: LinkContent, *, code: str, actor: str, now: datetime
) -> StoredLink:
    """Store a link under a fresh random code."""
    link = await form_store.insert_link(
        conn,
        workspace_id,
        link_id=new_id(now),
        code=code,
        content=msgspec.to_builtins(content),
        actor=actor,
        now=now,
    )
    await audit.record(conn, actor, workspace_id, "opt_in_link.created", "opt_in_link", link.id, {}, now)
    return link


def link_content(link: StoredLink) -> LinkContent:
    """The content of a stored link."""
    return msgspec.convert(link.content, LinkContent)


def link_url(link: StoredLink) -> str:
    """The address that opens a chat with the text filled in (wa.me: digits of the number, percent-encoded text)."""
    content = link_content(link)
    digits = "".join(char for char in content.phone_number if char.isdigit())
    return f"https://wa.me/{digits}?text={quote(f'{content.text} (#{link.code})')}"


def qr_image(link: StoredLink, kind: Literal["svg", "png"]) -> bytes:
    """The link as a QR code, error correction M, with the quiet zone of four modules that scanners need."""
    out = io.BytesIO()
    code = segno.make(link_url(link), error="m")
    if kind == "svg":
        code.save(out, kind="svg", scale=8, border=4, xmldecl=True, title="Chat", nl=False)
    else:
        code.save(out, kind="png", scale=8, border=4)
    return out.getvalue()


def find_codes(text: str | None) -> list[str]:
    """The codes in a text, upper case, each once."""
    return list(dict.fromkeys(match.upper() for match in CODE.findall(text or "")))


def without_codes(text: str, codes: set[str]) -> str:
    """The text as a person would have written it: without those codes."""
    return CODE.sub(lambda match: "" if match[1].upper() in codes else match[0], text).strip()


def link_changes(
    link: StoredLink, profile_id: UUID, *, message_id: str, said: str, at: datetime
) -> list[ConsentChange]:
    """The grants of somebody who sent the link's text: the purpose and each of its topics, with evidence."""
    content = link_content(link)
    evidence = Evidence(
        wording=content.wording,
        wording_version=content.wording_version or None,
        language=content.language,
        business_name=content.business_name or None,
        privacy_notice_version=content.privacy_notice_version or None,
        collected_by="link",
        form_id=link.code,
        message_id=message_id,
        data={"said": said},
    )
    return [
        ConsentChange(
            profile_id=profile_id,
            channel=content.channel,
            purpose=Purpose(content.purpose),
            topic=topic,
            state=ConsentState.GRANTED,
            effective_at=at,
            evidence=evidence,
            source=ConsentSource.LINK,
            locale=content.language,
            key=f"link:{link.id}:{message_id}:{topic}",
        )
        for topic in (None, *content.topics)
    ]
