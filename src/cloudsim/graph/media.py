"""Media: upload, look-up, download, deletion, and what is fetched from links (reference 4)."""

import base64
import hashlib
from urllib.parse import urlsplit

import aiohttp
from starlette.datastructures import UploadFile

from cloudsim import delivery
from cloudsim.graph.errors import GraphError, invalid, unknown_object
from cloudsim.graph.tokens import MESSAGING, authenticate, require
from cloudsim.graph.validation import MIME_TYPES, SIZE_MAX
from cloudsim.http import Request, Response
from cloudsim.identifiers import fresh_id, trace_id
from cloudsim.jsontypes import Json
from cloudsim.simulator import Simulator
from cloudsim.world import Media, Message, Phone

UPLOADED_SECONDS = 30 * 86400.0
RECEIVED_SECONDS = 7 * 86400.0
URL_SECONDS = 300.0
LINK_CACHE_SECONDS = 600.0
UPLOAD_MAX = 100 << 20
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
UPLOAD_TYPES = frozenset().union(*MIME_TYPES.values()) | {
    "text/plain",
    "application/pdf",
    "application/msword",
    "application/vnd.ms-excel",
    "application/vnd.ms-powerpoint",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "text/calendar",
    "text/csv",
}
DOWNLOAD_PATH = "/whatsapp_business/attachments/"


def keep_media(
    sim: Simulator,
    phone: Phone,
    content: bytes,
    mime_type: str,
    *,
    received: bool,
    filename: str = "",
    lifetime: float = 0.0,
) -> Media:
    now = sim.now()
    lifetime = lifetime or (RECEIVED_SECONDS if received else UPLOADED_SECONDS)
    media = Media(
        fresh_id("9" if received else "55"),
        phone.id,
        mime_type,
        content,
        hashlib.sha256(content).digest(),
        now + lifetime,
        filename,
    )
    sim.world.media[media.id] = media
    return media


async def upload(sim: Simulator, phone: Phone, request: Request) -> Response:
    """`POST /{phone}/media`, multipart with `messaging_product`, `type`, `file`."""
    if not request.header(b"content-type").startswith("multipart/form-data"):
        raise invalid("Param file is required")
    form = await request.form()
    if form.get("messaging_product", request.query.get("messaging_product")) != "whatsapp":
        raise invalid("The parameter messaging_product is required and must be whatsapp.")
    file = form.get("file")
    if not isinstance(file, UploadFile):
        raise invalid("Param file is required")
    declared = str(form.get("type") or file.content_type or "")
    mime_type = declared.partition(";")[0].strip().lower()
    if mime_type not in UPLOAD_TYPES:
        raise invalid(
            f"Param file must be a file with one of the following types: {', '.join(sorted(UPLOAD_TYPES))}. "
            f"Received file of type '{mime_type}'."
        )
    content = await file.read()
    if not content:
        raise invalid("Param file must not be empty")
    if len(content) > UPLOAD_MAX:
        raise invalid("Param file is larger than 100 MB")
    lifetime = 0.0
    if phone.retention_minutes:
        lifetime = 60.0 * min(43200, max(60, int(str(form.get("ttl_minutes") or phone.retention_minutes))))
    media = keep_media(sim, phone, content, mime_type, received=False, filename=file.filename or "", lifetime=lifetime)
    return Response.of({"id": media.id})


def find_media(sim: Simulator, media_id: str) -> Media | None:
    media = sim.world.media.get(media_id)
    return None if media is None or media.expires_at <= sim.now() else media


def _owned(sim: Simulator, media: Media, request: Request) -> Media:
    wanted = request.query.get("phone_number_id")
    if find_media(sim, media.id) is None or wanted not in {None, media.phone_id}:
        raise unknown_object(media.id, request.method)
    return media


def show(sim: Simulator, media: Media, request: Request) -> Response:
    """The description with a URL that lives five minutes."""
    media = _owned(sim, media, request)
    return Response.of(
        {
            "messaging_product": "whatsapp",
            "url": download_url(sim, media, request.base_url),
            "mime_type": media.mime_type,
            "sha256": media.sha256.hex(),
            "file_size": len(media.content),
            "id": media.id,
        }
    )


def download_url(sim: Simulator, media: Media, base_url: str, source: str = "") -> str:
    now = sim.now()
    if media.url_until < now + URL_SECONDS / 2:
        media.url_hash, media.url_until = trace_id(), now + URL_SECONDS
    query = f"?mid={media.id}{'&source=' + source if source else ''}&ext={int(media.url_until)}&hash={media.url_hash}"
    return f"{base_url}{DOWNLOAD_PATH}{query}"


def delete(sim: Simulator, media: Media, request: Request) -> Response:
    _owned(sim, media, request)
    del sim.world.media[media.id]
    return Response.of({"success": True})


def download(sim: Simulator, request: Request) -> Response:
    """What lookaside.fbsbx.com answers: the bytes, or 404 for anything expired or wrong."""
    try:
        require(authenticate(sim, request), MESSAGING)
    except GraphError as error:
        return Response(401, error.message.encode(), b"text/plain")
    media = find_media(sim, request.query.get("mid", ""))
    if media is None or request.query.get("hash") != media.url_hash or media.url_until <= sim.now():
        return Response(404, b"Not Found", b"text/plain")
    return Response(200, media.content, media.mime_type.encode("latin-1", "replace"))


def reference(media: Media) -> Json:
    """The object of an inbound message, without `url`."""
    return {"id": media.id, "mime_type": media.mime_type, "sha256": base64.b64encode(media.sha256).decode()}


def check_references(sim: Simulator, phone: Phone, wanted: list[tuple[str, Json]]) -> None:
    """Unknown and foreign ids are refused at once; sizes and types show later, as a failed status."""
    for kind, medium in wanted:
        if "id" in medium:
            media = find_media(sim, str(medium["id"]))
            if media is None or media.phone_id != phone.id:
                raise invalid(f"Param {kind}['id'] is not a valid whatsapp business account media attachment ID")


def then_dispatch(sim: Simulator, message: Message, wanted: list[tuple[str, Json]], plan: Json | None) -> None:
    """Look at the media, then let the message go, or fail it with 131053."""
    for kind, medium in wanted:
        if "id" in medium:
            media = sim.world.media[str(medium["id"])]
            problem = find_problem(kind, media.mime_type, len(media.content))
            if problem:
                sim.timers.after(0.5, delivery.fail, sim, message, 131053, problem)
                return
    links = [(kind, str(medium["link"])) for kind, medium in wanted if medium.get("link")]
    if links and sim.settings.fetch_links:
        sim.spawn(_fetch_all(sim, message, links, plan))
    else:
        delivery.dispatch(sim, message, plan)


def find_problem(kind: str, mime_type: str, size: int) -> str:
    """What is wrong with a file of this type and size in a message of this kind; empty when nothing is."""
    mime_type = mime_type.partition(";")[0].strip().lower()
    if kind in MIME_TYPES and mime_type not in MIME_TYPES[kind]:
        known = ", ".join(sorted(MIME_TYPES[kind]))
        return f"Unsupported {kind.title()} mime type {mime_type}. Please use one of: {known}"
    if size > SIZE_MAX.get(kind, UPLOAD_MAX):
        return f"{kind.title()} file is too big: {size} bytes, at most {SIZE_MAX[kind]}"
    return ""


async def _fetch_all(sim: Simulator, message: Message, links: list[tuple[str, str]], plan: Json | None) -> None:
    for kind, link in links:
        problem = await _fetch(sim, kind, link)
        if problem:
            sim.timers.after(0.3, delivery.fail, sim, message, 131053, problem)
            return
    delivery.dispatch(sim, message, plan)


async def _fetch(sim: Simulator, kind: str, link: str) -> str:
    """Fetch once in ten minutes an address. Only loopback is asked; registered fixture hosts count as good."""
    now = sim.now()
    until, known = sim.world.link_cache.get(f"{kind} {link}", (0.0, ""))
    if until > now:
        return known
    host = urlsplit(link).hostname or ""
    if host in sim.world.fixture_hosts:
        problem = ""
    elif host not in LOOPBACK:
        problem = f"Downloading media from weblink failed: host {host} cannot be reached"
    else:
        problem = await _fetch_loopback(sim, kind, link)
    sim.world.link_cache[f"{kind} {link}"] = (now + LINK_CACHE_SECONDS, problem)
    return problem


async def _fetch_loopback(sim: Simulator, kind: str, link: str) -> str:
    try:
        timeout = aiohttp.ClientTimeout(total=10)
        async with sim.http.get(link, timeout=timeout, allow_redirects=False) as answer:
            if answer.status != 200:
                return f"Downloading media from weblink failed with http code {answer.status}"
            limit = SIZE_MAX.get(kind, UPLOAD_MAX) + 1
            size = 0
            async for chunk in answer.content.iter_chunked(65536):
                size += len(chunk)
                if size >= limit:
                    break
            return find_problem(kind, answer.headers.get("Content-Type", "application/octet-stream"), size)
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        return f"Downloading media from weblink failed: {type(error).__name__}"
