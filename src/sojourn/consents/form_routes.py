"""HTTP: opt-in forms and their hosted page, opt-in links and their QR codes."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import parse_qs
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from sojourn.channels.store import find_default_sender, get_sender
from sojourn.consents import form_store, forms, links
from sojourn.consents.errors import TooManySubmissions, UnknownForm, UnknownLink, UnknownWording
from sojourn.consents.form_store import StoredForm, StoredLink
from sojourn.consents.forms import FormContent, Submission
from sojourn.consents.links import CODE_LENGTH, CODE_LETTERS, LinkContent
from sojourn.consents.model import ChannelName, ConsentState
from sojourn.consents.page import HEADERS, PageState, choose_language, render_page
from sojourn.consents.warnings import ConsentWarning, list_warnings
from sojourn.countries.purposes import Purpose
from sojourn.countries.topics import Topic
from sojourn.kit.clock import system_now
from sojourn.kit.errors import InvalidInput
from sojourn.kit.web import DEFAULT_LIMIT, ConnDep, Cursor, Keys, Limit, Now, Page
from sojourn.profiles.model import InvalidIdentity
from sojourn.workspaces.access import Caller, require_right
from sojourn.workspaces.pages import decode_position, page_of
from sojourn.workspaces.store import get_workspace

router = APIRouter(tags=["opt-in"])

FORM_BODY_MAX = 16_384  # bytes of a form that is sent in
Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}$")]


class WordingIn(BaseModel):
    """The text that people agree to. `hash` is your own name for it; left out, its digest."""

    model_config = ConfigDict(extra="forbid")
    language: Language
    text: str = Field(min_length=10, max_length=5_000)
    hash: str = Field("", max_length=64)


class TopicIn(BaseModel):
    """Something one can choose on the form."""

    model_config = ConfigDict(extra="forbid")
    key: Topic
    labels: dict[str, str] = {}


class FormIn(BaseModel):
    """A form, or its next version when the slug exists."""

    model_config = ConfigDict(extra="forbid")
    slug: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{1,62}$")
    name: str = Field("", max_length=200)
    business_name: str = Field("", max_length=200, description="Left out, the workspace's")
    wordings: list[WordingIn] = Field(min_length=1, max_length=50)
    topics: list[TopicIn] = Field(default=[], max_length=20)
    channel: ChannelName = "whatsapp"
    purpose: Literal[Purpose.MARKETING, Purpose.TRANSACTIONAL] = Purpose.MARKETING
    privacy_notice_version: str = Field("", max_length=100)
    privacy_notice_url: str = Field("", max_length=2_000, pattern=r"^(https?://\S+)?$")
    double_opt_in: bool | None = Field(None, description="Left out, as the workspace says")


class WordingOut(BaseModel):
    """A wording with the hash that a submission names it by."""

    language: str
    text: str
    hash: str


class FormOut(BaseModel):
    """A form with its newest version."""

    id: UUID
    slug: str
    version: int
    is_open: bool
    path: str
    wordings: list[WordingOut]
    content: dict[str, Any]
    updated_at: datetime

    @classmethod
    def of(cls, form: StoredForm) -> FormOut:
        """From the stored form."""
        content = forms.form_content(form)
        return cls(
            id=form.id,
            slug=form.slug,
            version=form.version,
            is_open=form.is_open,
            path=f"/o/{form.slug}",
            wordings=[WordingOut(language=one.language, text=one.text, hash=one.name()) for one in content.wordings],
            content=form.content,
            updated_at=form.updated_at,
        )


@router.post("/v1/opt-in-forms")
async def post_form(
    body: FormIn, conn: ConnDep, now: Now, caller: Annotated[Caller, Depends(require_right("consents.write"))]
) -> FormOut:
    """Create an opt-in form or its next version. The page is at `/o/{slug}`; old versions stay as evidence."""
    workspace = await get_workspace(conn, caller.workspace_id)
    data = body.model_dump(exclude={"slug"})
    data["name"] = body.name or body.slug
    data["business_name"] = body.business_name or workspace.business_name
    content = msgspec.convert(data, FormContent)
    form = await forms.save_form(conn, caller.workspace_id, body.slug, content, actor=caller.actor, now=now)
    return FormOut.of(form)


@router.get("/v1/opt-in-forms")
async def get_forms(
    conn: ConnDep,
    caller: Annotated[Caller, Depends(require_right("consents.read"))],
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[FormOut]:
    """The workspace's forms."""
    rows = await form_store.list_forms(conn, caller.workspace_id, after=decode_position(cursor), limit=limit + 1)
    return page_of(rows, limit, FormOut.of)


@router.post("/v1/opt-in-forms/{slug}/close", status_code=204)
async def close_form(
    slug: str, conn: ConnDep, now: Now, caller: Annotated[Caller, Depends(require_right("consents.write"))]
) -> None:
    """Take a form out of use; a new version opens it again."""
    if not await form_store.update_form_open(conn, caller.workspace_id, slug, is_open=False, now=now):
        raise UnknownForm(slug=slug)


class SubmissionIn(BaseModel):
    """A form that your own page took in. `ip` is the browser's; `wording_hash` names the text that was shown."""

    model_config = ConfigDict(extra="forbid")
    phone: str = Field(min_length=3, max_length=64)
    topics: list[Topic] = Field(default=[], max_length=20)
    locale: str | None = Field(None, max_length=35)
    ip: str | None = Field(None, max_length=45)
    wording_hash: str | None = Field(None, max_length=64)
    idempotency_key: str | None = Field(None, min_length=1, max_length=255)


class SubmittedOut(BaseModel):
    """Whose it is, and what holds now: `pending` while a confirming tap is waited for.

    The same `idempotency_key` again changes nothing and tells the present state.
    """

    profile_id: UUID
    state: ConsentState
    warnings: list[ConsentWarning] = []


@router.post("/v1/opt-in-forms/{slug}/submissions", status_code=202)
async def post_submission(
    slug: str,
    body: SubmissionIn,
    conn: ConnDep,
    keys: Keys,
    now: Now,
    caller: Annotated[Caller, Depends(require_right("consents.write"))],
) -> SubmittedOut:
    """Take in a form that your own page showed. With double opt-in the person is asked, once a day at most."""
    form = await forms.find_open_form(conn, slug)
    if form.workspace_id != caller.workspace_id:
        raise UnknownForm(slug=slug)
    workspace = await get_workspace(conn, caller.workspace_id)
    submission = Submission(
        phone=body.phone,
        topics=tuple(body.topics),
        locale=body.locale,
        ip=body.ip,
        wording_hash=body.wording_hash,
        client=body.ip,
        key=body.idempotency_key,
    )
    try:
        done = await forms.submit_form(
            conn, form, submission, workspace=workspace, keys=keys, now=now, system_now=system_now()
        )
    except InvalidIdentity as error:
        raise InvalidInput([error.at("phone")]) from error
    warnings = await list_warnings(conn, workspace, [done.state])
    return SubmittedOut(profile_id=done.profile_id, state=done.state, warnings=warnings)


HTML: dict[str, Any] = {"content": {"text/html": {"schema": {"type": "string"}}}}
ANSWERS: dict[int | str, dict[str, Any]] = {
    404: {"description": "There is no such form, or it is closed", **HTML},
    422: {"description": "Something is to be put right first", **HTML},
}
FIELDS: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/x-www-form-urlencoded": {
                "schema": {
                    "type": "object",
                    "required": ["phone", "agree"],
                    "properties": {
                        **{name: {"type": "string"} for name in ("phone", "agree", "wording", "lang", "website")},
                        "topic": {"type": "array", "items": {"type": "string"}},
                    },
                }
            }
        },
    }
}


@router.get("/o/{slug}", response_class=HTMLResponse, responses=ANSWERS)
async def get_page(slug: str, request: Request, conn: ConnDep, lang: str | None = None) -> Response:
    """The hosted page of a form."""
    try:
        form = await forms.find_open_form(conn, slug)
    except UnknownForm:
        return _page(render_page(None, language="en", state=PageState.CLOSED), 404)
    content = forms.form_content(form)
    language = choose_language(content, lang, request.headers.get("accept-language"))
    return _page(render_page(content, language=language, state=PageState.OPEN), 200)


@router.post("/o/{slug}", response_class=HTMLResponse, responses=ANSWERS, openapi_extra=FIELDS)
async def post_page(slug: str, request: Request, conn: ConnDep, keys: Keys, now: Now) -> Response:
    """Take in the hosted page. Always the same answer, known number or not; a filled trap field is thrown away."""
    try:
        form = await forms.find_open_form(conn, slug)
    except UnknownForm:
        return _page(render_page(None, language="en", state=PageState.CLOSED), 404)
    content = forms.form_content(form)
    body = await request.body()
    fields = _fields_of(body)
    language = choose_language(content, _first(fields, "lang"), request.headers.get("accept-language"))
    if _first(fields, "website"):
        return _page(render_page(content, language=language, state=PageState.DONE), 200)
    if _first(fields, "agree") != "yes":
        return _page(render_page(content, language=language, state=PageState.NOT_AGREED, fields=fields), 422)
    address = request.client.host if request.client else None
    submission = Submission(
        phone=_first(fields, "phone"),
        topics=tuple(fields.get("topic", [])),
        locale=language,
        ip=address,
        wording_hash=_first(fields, "wording") or None,
        client=address or "unknown",
    )
    workspace = await get_workspace(conn, form.workspace_id)
    try:
        await forms.submit_form(
            conn, form, submission, workspace=workspace, keys=keys, now=now, system_now=system_now()
        )
    except InvalidIdentity:
        return _page(render_page(content, language=language, state=PageState.BAD_PHONE, fields=fields), 422)
    except UnknownWording:
        return _page(render_page(content, language=language, state=PageState.CHANGED, fields=fields), 409)
    except TooManySubmissions:
        return _page(render_page(content, language=language, state=PageState.TOO_MANY, fields=fields), 429)
    return _page(render_page(content, language=language, state=PageState.DONE), 200)


def _fields_of(body: bytes) -> dict[str, list[str]]:
    """The fields of a form without NUL characters; one with too many fields counts as empty."""
    try:
        found = parse_qs(body[:FORM_BODY_MAX].decode("utf-8", "replace"), max_num_fields=100)
    except ValueError:
        return {}
    return {name: [value.replace("\x00", "") for value in values] for name, values in found.items()}


def _first(fields: dict[str, list[str]], name: str) -> str:
    return next(iter(fields.get(name, [])), "").strip()


def _page(html: str, status: int) -> HTMLResponse:
    return HTMLResponse(html, status_code=status, headers=HEADERS)


class LinkIn(BaseModel):
    """A link whose prefilled text carries a code. `wording` stands beside it: people agree to it by sending."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field("", max_length=200)
    sender_id: UUID | None = Field(None, description="Left out, the workspace's default WhatsApp number")
    text: str = Field(min_length=1, max_length=500, examples=["Yes, send me offers"])
    wording: str = Field(min_length=10, max_length=5_000)
    wording_version: str = Field("", max_length=100)
    language: Language = "en"
    topics: list[Topic] = Field(default=[], max_length=20)
    privacy_notice_version: str = Field("", max_length=100)


class LinkOut(BaseModel):
    """An opt-in link with the addresses of its QR codes."""

    id: UUID
    code: str
    url: str
    qr_svg: str
    qr_png: str
    content: dict[str, Any]
    created_at: datetime
    closed_at: datetime | None

    @classmethod
    def of(cls, link: StoredLink) -> LinkOut:
        """From the stored link."""
        return cls(
            id=link.id,
            code=link.code,
            url=links.link_url(link),
            qr_svg=f"/v1/opt-in-links/{link.id}/qr.svg",
            qr_png=f"/v1/opt-in-links/{link.id}/qr.png",
            content=link.content,
            created_at=link.created_at,
            closed_at=link.closed_at,
        )


@router.post("/v1/opt-in-links", status_code=201)
async def post_link(
    body: LinkIn, conn: ConnDep, now: Now, caller: Annotated[Caller, Depends(require_right("consents.write"))]
) -> LinkOut:
    """Make a link (and QR code) that opens a chat with a prefilled text; sending it is the opt-in."""
    workspace = await get_workspace(conn, caller.workspace_id)
    sender = (
        await find_default_sender(conn, caller.workspace_id)
        if body.sender_id is None
        else await get_sender(conn, caller.workspace_id, body.sender_id)
    )
    if sender is None or not sender.phone_number:
        raise InvalidInput([{"field": "sender_id", "code": "no_number", "message": "no WhatsApp number to write to"}])
    content = LinkContent(
        **body.model_dump(exclude={"sender_id"}),
        phone_number=sender.phone_number,
        business_name=workspace.business_name,
    )
    code = "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH))
    return LinkOut.of(
        await links.create_link(conn, caller.workspace_id, content, code=code, actor=caller.actor, now=now)
    )


@router.get("/v1/opt-in-links")
async def get_links(
    conn: ConnDep,
    caller: Annotated[Caller, Depends(require_right("consents.read"))],
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[LinkOut]:
    """The workspace's opt-in links."""
    rows = await form_store.list_links(conn, caller.workspace_id, after=decode_position(cursor), limit=limit + 1)
    return page_of(rows, limit, LinkOut.of)


@router.get("/v1/opt-in-links/{link_id}/qr.{kind}", response_class=Response)
async def get_qr(
    link_id: UUID,
    kind: Literal["svg", "png"],
    conn: ConnDep,
    caller: Annotated[Caller, Depends(require_right("consents.read"))],
) -> Response:
    """The link as a QR code, SVG or PNG."""
    link = await form_store.find_link(conn, caller.workspace_id, link_id)
    if link is None:
        raise UnknownLink(link_id=str(link_id))
    media = "image/svg+xml" if kind == "svg" else "image/png"
    return Response(links.qr_image(link, kind), media_type=media)
