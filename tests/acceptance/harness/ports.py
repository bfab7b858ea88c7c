"""Loopback ports that no other test run of this machine uses."""

from __future__ import annotations

import fcntl
import os
import random
import socket
import tempfile
from pathlib import Path
from typing import IO

FIRST, LAST = 20_000, 29_999  # below what the kernel hands to outgoing connections
FOLDER = Path(tempfile.gettempdir()) / f"sojourn-ports-{os.geteuid()}"


class Ports:
    """Ports held by a lock file each, until `release`."""

    def __init__(self) -> None:
        self._locks: list[IO[str]] = []

    def take(self) -> int:
        """A port that is free now and stays ours."""
        FOLDER.mkdir(exist_ok=True)
        for port in random.sample(range(FIRST, LAST), 500):
            lock = (FOLDER / str(port)).open("a")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.close()
                continue
            if _is_free(port):
                self._locks.append(lock)
                return port
            lock.close()
        raise RuntimeError("no free port between 20000 and 29999")

    def release(self) -> None:
        """Give all ports back."""
        for lock in self._locks:
            lock.close()
        self._locks.clear()


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
