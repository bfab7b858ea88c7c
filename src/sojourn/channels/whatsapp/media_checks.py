"""Whether a file is what WhatsApp accepts: kind, MIME type, size, and that the bytes are what the type says. Pure.

Source: Cloud API reference, section 2.5.
"""

from sojourn.channels.whatsapp import limits
from sojourn.kit.errors import FieldError

STICKER_SIDE = 512  # pixels
_ZIP = b"PK\x03\x04"
_OLE = b"\xd0\xcf\x11\xe0"
_EXTENSIONS = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
    "video/mp4": "mp4",
    "video/3gpp": "3gp",
    "audio/aac": "aac",
    "audio/amr": "amr",
    "audio/mpeg": "mp3",
    "audio/mp4": "m4a",
    "audio/ogg": "ogg",
    "text/plain": "txt",
    "application/pdf": "pdf",
}


def kind_of_mime(mime: str) -> str | None:
    """The kind of message that a MIME type goes with; None for one that WhatsApp does not take."""
    base = base_mime(mime)
    return next((kind for kind, mimes in limits.MEDIA_MIMES.items() if base in mimes), None)


def base_mime(mime: str) -> str:
    """A MIME type without its parameters, lower case."""
    return mime.partition(";")[0].strip().lower()


def extension_of(mime: str) -> str:
    """A file name's ending for a MIME type."""
    return _EXTENSIONS.get(base_mime(mime), "bin")


def max_bytes(kind: str) -> int:
    """The largest file of a kind, in bytes."""
    return limits.MEDIA_MAX_BYTES.get(kind, limits.UPLOAD_MAX_BYTES)


def check_media(kind: str, mime: str, content: bytes, *, voice: bool = False) -> list[FieldError]:
    """Every rule that a file breaks; empty when it may be sent as this kind."""
    base = base_mime(mime)
    errors: list[FieldError] = []
    allowed = limits.MEDIA_MIMES.get(kind)
    if allowed is None:
        return [_error("kind", "not_allowed", "kind must be image, video, audio, document or sticker")]
    if base not in allowed:
        errors.append(_error("mime", "not_allowed", f"{kind} takes {', '.join(allowed)}", ", ".join(allowed)))
    if not content:
        errors.append(_error("content", "required", "the file is empty"))
    if len(content) > max_bytes(kind):
        errors.append(_error("content", "too_large", f"{kind} takes at most {max_bytes(kind)} bytes", max_bytes(kind)))
    if content and base in allowed and not _matches(base, content):
        errors.append(_error("content", "wrong_type", f"the bytes are not {base}"))
    if kind == "sticker" and not errors:
        errors.extend(_check_sticker(content))
    if voice and not (base == "audio/ogg" and b"OpusHead" in content[:200]):
        errors.append(_error("mime", "voice_format", "a voice message must be OGG with OPUS", "audio/ogg; codecs=opus"))
    return errors


def _error(field: str, code: str, message: str, limit: int | str | None = None) -> FieldError:
    error = FieldError(field=field, code=code, message=message)
    if limit is not None:
        error["limit"] = limit
    return error


def _matches(mime: str, content: bytes) -> bool:
    """Whether the first bytes fit the type (text and unknown types fit always)."""
    match mime:
        case "image/jpeg":
            return content.startswith(b"\xff\xd8\xff")
        case "image/png":
            return content.startswith(b"\x89PNG\r\n\x1a\n")
        case "image/webp":
            return content[:4] == b"RIFF" and content[8:12] == b"WEBP"
        case "video/mp4" | "video/3gpp" | "audio/mp4":
            return content[4:8] == b"ftyp"
        case "audio/ogg":
            return content.startswith(b"OggS")
        case "audio/amr":
            return content.startswith(b"#!AMR")
        case "audio/mpeg":
            return content.startswith(b"ID3") or (content[0] == 0xFF and content[1:2] >= b"\xe0")
        case "audio/aac":
            return content[0] == 0xFF and content[1:2] >= b"\xf0"
        case "application/pdf":
            return b"%PDF" in content[:1024]
        case _ if mime.startswith("application/vnd.openxmlformats"):
            return content.startswith(_ZIP)
        case "application/msword" | "application/vnd.ms-excel" | "application/vnd.ms-powerpoint":
            return content.startswith(_OLE)
        case _:
            return True


def _check_sticker(content: bytes) -> list[FieldError]:
    errors: list[FieldError] = []
    side = _webp_size(content)
    if side is not None and side != (STICKER_SIDE, STICKER_SIDE):
        errors.append(_error("content", "wrong_size", "a sticker has 512 by 512 pixels", STICKER_SIDE))
    animated = content[12:16] == b"VP8X" and len(content) > 20 and bool(content[20] & 0x02)
    if not animated and len(content) > limits.STICKER_STATIC_MAX_BYTES:
        most = limits.STICKER_STATIC_MAX_BYTES
        errors.append(_error("content", "too_large", f"a still sticker takes at most {most} bytes", most))
    return errors


def _webp_size(content: bytes) -> tuple[int, int] | None:
    """Width and height from the first chunk of a WebP file (RFC 9649); None when it cannot be told."""
    chunk = content[12:16]
    if chunk == b"VP8X" and len(content) >= 30:
        return int.from_bytes(content[24:27], "little") + 1, int.from_bytes(content[27:30], "little") + 1
    if chunk == b"VP8L" and len(content) >= 25:
        bits = int.from_bytes(content[21:25], "little")
        return (bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1
    if chunk == b"VP8 " and len(content) >= 30:
        return int.from_bytes(content[26:28], "little") & 0x3FFF, int.from_bytes(content[28:30], "little") & 0x3FFF
    return None
