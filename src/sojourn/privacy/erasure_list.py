"""The list of erasures outside of the database: `erasures.jsonl` in the data directory, only ever appended to.

A restored backup brings people back who were erased after it was made; this file is how they are found. It holds ids
and keyed hashes. Keep it out of what a restore overwrites.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import Sequence
from pathlib import Path

import msgspec
import structlog

from sojourn.kit import json
from sojourn.privacy.erasure_model import Listed

log = structlog.get_logger(__name__)

FILE = "erasures.jsonl"


async def append(data_dir: Path, entries: Sequence[Listed]) -> None:
    """Add lines; they are on the disk when this returns. Several processes may write at once."""
    if entries:
        await asyncio.to_thread(_append, data_dir, [json.encode(entry) for entry in entries])


async def read(data_dir: Path) -> list[Listed]:
    """All lines, oldest first. A line that was cut off by a crash was never confirmed to anybody, and is skipped."""
    return await asyncio.to_thread(_read, data_dir)


def _append(data_dir: Path, lines: Sequence[bytes]) -> None:
    data_dir.mkdir(parents=True, exist_ok=True)
    is_new = not (data_dir / FILE).exists()
    handle = os.open(data_dir / FILE, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        size = os.fstat(handle).st_size
        cut_off = size > 0 and os.pread(handle, 1, size - 1) != b"\n"
        _write_all(handle, (b"\n" if cut_off else b"") + b"".join(line + b"\n" for line in lines))
        os.fsync(handle)
    finally:
        os.close(handle)
    if is_new:
        folder = os.open(data_dir, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _write_all(handle: int, data: bytes) -> None:
    while data:
        data = data[os.write(handle, data) :]


def _read(data_dir: Path) -> list[Listed]:
    try:
        lines = (data_dir / FILE).read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    found = []
    for number, line in enumerate(lines, start=1):
        if not line:
            continue
        try:
            found.append(json.decode_as(line, Listed))
        except msgspec.MsgspecError:
            log.warning("erasure_line_unreadable", line=number)
    return found
