"""Where one `sojourn run` lives: its data directory, its ports, and the answer for whoever starts a second one."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import socket
from pathlib import Path
from typing import IO, Any


class CannotRunError(Exception):
    """Sojourn cannot start here; the text says why and what to do."""


def hold_data_dir(data_dir: Path, *, address: str) -> IO[str]:
    """Claim the data directory for this process until the file is closed. Raises CannotRunError when it is taken."""
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        file = (data_dir / "run.lock").open("a+")
    except PermissionError as error:
        raise CannotRunError(
            f"the data directory {data_dir} cannot be written. Choose another with --data-dir or SOJOURN_DATA_DIR."
        ) from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.seek(0)
        holder = _parse(file.read())
        file.close()
        raise CannotRunError(
            f"Sojourn already runs in {data_dir}: {holder.get('address', 'address unknown')}, process "
            f"{holder.get('pid', 'unknown')}. Use that one, stop it with Ctrl-C, or start another with --data-dir "
            "FOLDER --port NUMBER."
        ) from error
    file.truncate(0)
    file.write(json.dumps({"pid": os.getpid(), "address": address}))
    file.flush()
    return file


def require_free_port(host: str, port: int) -> None:
    """Raise CannotRunError when nothing can listen there, with what to do about it."""
    problem = port_problem(host, port)
    if problem is None:
        return
    if problem == errno.EADDRINUSE:
        text = f"port {port} on {host} is taken by another program. Choose another one: --port {_suggest(host, port)}"
    elif problem == errno.EACCES:
        text = f"port {port} needs more rights than this user has. Choose one above 1023: --port 8080"
    else:
        text = f"cannot listen on {host} port {port}: {os.strerror(problem)}. Check --host and --port."
    raise CannotRunError(text)


def port_problem(host: str, port: int) -> int | None:
    """The errno of trying to listen there, or None when it works."""
    try:
        [family, kind, protocol, _, target] = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except socket.gaierror:
        return errno.EADDRNOTAVAIL
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(target)
            probe.listen(1)
        except OSError as error:
            return error.errno
    return None


def pick_port(host: str, preferred: int) -> int:
    """The preferred port if it is free, else one that the system gives."""
    if port_problem(host, preferred) is None:
        return preferred
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def _suggest(host: str, port: int) -> int:
    free = [candidate for candidate in range(port + 10, port + 60, 10) if port_problem(host, candidate) is None]
    return free[0] if free else pick_port(host, 0)


def _parse(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
