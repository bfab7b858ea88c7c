"""Files out and in: stored sealed in parts, uploaded once a sender, fetched as soon as they are announced."""

import base64
import binascii
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

import aiohttp
import structlog

from sojourn.channels import media_store
from sojourn.channels.base import FailureReaction, OutboundMessage
from sojourn.channels.model import MediaAsset
from sojourn.channels.whatsapp import client, limits, media_checks
from sojourn.channels.whatsapp.account import Account, load_accounts
from sojourn.channels.whatsapp.graph import GraphError, GraphUnreachable
from sojourn.channels.whatsapp.media_refs import asset_ids_of
from sojourn.kit import crash
from sojourn.kit.crypto import KeyRing
from sojourn.kit.database import Conn
from sojourn.kit.jobs import Work

log = structlog.get_logger(__name__)

PART_BYTES = 1024 * 1024
CONTEXT = "media_blobs.content"
UPLOAD_LIFETIME = timedelta(days=30)
FRESH_UPLOAD = timedelta(minutes=10)
RENEW_BEFORE = timedelta(days=2)  # an upload is renewed this long before the provider forgets it


async def write_content(conn: Conn, media_id: UUID, content: bytes, keys: KeyRing) -> None:
    """Seal and store bytes in parts."""
    for part, start in enumerate(range(0, len(content), PART_BYTES)):
        sealed = keys.encrypt(content[start : start + PART_BYTES], context=CONTEXT)
        await media_store.insert_part(conn, media_id, part, sealed)


async def read_content(conn: Conn, media_id: UUID, keys: KeyRing) -> bytes:
    """All bytes of an asset."""
    return b"".join([keys.decrypt(part, context=CONTEXT) async for part in media_store.read_parts(conn, media_id)])


@dataclass(frozen=True, slots=True)
class UploadFailed:
    """An asset is not at the provider, and why."""

    reason: str
    reaction: FailureReaction


@dataclass(slots=True)
class Uploads:
    """The provider's ids of assets, by sender."""

    known: dict[tuple[UUID, UUID], str | UploadFailed] = field(default_factory=dict)

    def ids_for(self, sender_id: UUID, assets: Iterable[UUID]) -> dict[UUID, str] | UploadFailed:
        """The ids of these assets at a sender, or the first failure."""
        ids: dict[UUID, str] = {}
        for asset in assets:
            found = self.known.get((asset, sender_id))
            if found is None:
                return UploadFailed("no such file", FailureReaction.INVALID)
            if isinstance(found, UploadFailed):
                return found
            ids[asset] = found
        return ids


async def resolve_uploads(work: Work, accounts: Mapping[UUID, Account], messages: Sequence[OutboundMessage]) -> Uploads:
    """Find, or make, the provider's ids of every asset that messages name; one statement for all that are known.

    A file is uploaded once for a sender and renewed before its id expires (30 days).
    """
    wanted = {
        (asset, message.sender_id)
        for message in messages
        if message.sender_id in accounts
        for asset in asset_ids_of(message.content)
    }
    uploads = Uploads()
    if not wanted:
        return uploads
    now = work.now()
    ids, senders = {asset for asset, _ in wanted}, {sender for _, sender in wanted}
    async with work.transaction() as conn:
        for row in await media_store.list_uploads(conn, ids, senders, after=now + RENEW_BEFORE):
            uploads.known[row["media_id"], row["sender_id"]] = row["provider_media_id"]
        missing = sorted(wanted - uploads.known.keys())
        assets = {asset.id: asset for asset in await media_store.list_media_by_id(conn, [pair[0] for pair in missing])}
    for asset_id, sender_id in missing:
        asset, account = assets.get(asset_id), accounts[sender_id]
        if asset is not None and asset.workspace_id == account.workspace_id:
            uploads.known[asset_id, sender_id] = await _upload(work, account, asset)
    return uploads


async def _upload(work: Work, account: Account, asset: MediaAsset) -> str | UploadFailed:
    async with work.transaction() as conn:
        content = await read_content(conn, asset.id, work.keys)
    mime = asset.mime or "application/octet-stream"
    name = asset.filename or f"file.{media_checks.extension_of(mime)}"
    try:
        provider_id = await client.upload_media(work.http, account, content=content, mime=mime, filename=name)
    except GraphError as error:
        return UploadFailed(error.details or error.title, error.entry.reaction)
    except GraphUnreachable as error:
        return UploadFailed(str(error), FailureReaction.RETRY_LATER)
    now = work.now()
    async with work.transaction() as conn:
        expires = now + UPLOAD_LIFETIME
        await media_store.upsert_upload(conn, asset.id, account.sender_id, provider_id, now=now, expires_at=expires)
    return provider_id


async def forget_uploads(work: Work, pairs: Iterable[tuple[UUID, UUID]]) -> set[tuple[UUID, UUID]]:
    """Forget uploads (asset, sender) that the provider may no longer know; a fresh one is not to blame and stays."""
    before = work.now() - FRESH_UPLOAD
    async with work.transaction() as conn:
        return await media_store.delete_uploads(conn, sorted(pairs), uploaded_before=before)


class MediaGone(Exception):
    """The file cannot be had any more, or is not what it should be; trying again does not help."""


async def fetch_inbound(work: Work, *, workspace_id: UUID, sender_id: UUID, media_id: UUID) -> None:
    """Fetch one inbound file and store it sealed. May run twice; a stored file is left alone.

    Raises GraphUnreachable when it should be tried again.
    """
    async with work.transaction() as conn:
        asset = await media_store.get_media(conn, workspace_id, media_id)
        account = (await load_accounts(conn, [sender_id], work.keys)).get(sender_id)
    if asset.state == "stored" or asset.provider_media_id is None:
        return
    try:
        if account is None:
            raise MediaGone("its sender has no credentials")
        node = await _read_node(work.http, account, asset.provider_media_id)
        content = await _download(work.http, account, node)
        _check_hash(content, node.get("sha256"))
    except MediaGone as error:
        async with work.transaction() as conn:
            await media_store.update_failed(conn, media_id, reason=str(error))
        log.warning("inbound_media_lost", media_id=str(media_id), reason=str(error))
        return
    crash.point("channels.media_fetched")
    await _store(work, media_id, content, node)


async def _read_node(http: aiohttp.ClientSession, account: Account, provider_id: str) -> dict[str, object]:
    try:
        return await client.read_media(http, account, provider_id)
    except GraphError as error:
        if error.entry.reaction in (FailureReaction.INVALID, FailureReaction.NEVER):
            raise MediaGone("the provider no longer has it") from error
        raise GraphUnreachable(str(error)) from error


async def _download(http: aiohttp.ClientSession, account: Account, node: Mapping[str, object]) -> bytes:
    url = node.get("url")
    if not isinstance(url, str) or not client.is_media_url(account, url):
        raise MediaGone("its address is not the provider's")
    size = _as_int(node.get("file_size"))
    if size is not None and size > limits.UPLOAD_MAX_BYTES:
        raise MediaGone(f"larger than {limits.UPLOAD_MAX_BYTES} bytes")
    content = bytearray()
    async with client.download_media(http, account, url) as stream:
        async for chunk in stream.iter_chunked(client.CHUNK_BYTES):
            content += chunk
            if len(content) > limits.UPLOAD_MAX_BYTES:
                raise MediaGone(f"larger than {limits.UPLOAD_MAX_BYTES} bytes")
    return bytes(content)


def _as_int(value: object) -> int | None:
    """`file_size` comes as number or as text."""
    try:
        return int(value) if isinstance(value, int | str) else None
    except ValueError:
        return None


def _check_hash(content: bytes, announced: object) -> None:
    """The announced SHA-256 is hex here and base64 in webhooks; one that cannot be read is not checked."""
    if not isinstance(announced, str) or not announced:
        return
    digest = hashlib.sha256(content).digest()
    try:
        wanted = bytes.fromhex(announced) if len(announced) == 64 else base64.b64decode(announced, validate=True)
    except (ValueError, binascii.Error):
        return
    if len(wanted) == len(digest) and wanted != digest:
        raise GraphUnreachable("the bytes are not the announced ones")


async def _store(work: Work, media_id: UUID, content: bytes, node: Mapping[str, object]) -> None:
    mime = node.get("mime_type")
    async with work.transaction() as conn:
        await write_content(conn, media_id, content, work.keys)
        await media_store.update_stored(
            conn,
            media_id,
            mime=mime if isinstance(mime, str) else None,
            size_bytes=len(content),
            sha256=hashlib.sha256(content).digest(),
            now=work.now(),
        )
