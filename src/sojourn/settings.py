"""The settings of an installation, read once from the environment and then passed on. Imports nothing of ours."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

AllowPrivate = bool | Literal["loopback"]
"""Which private addresses may be called: all of them, none, or only those of this machine itself."""


def default_data_dir() -> Path:
    """Where data live when nothing is said: `/var/lib/sojourn` for root, else below the home directory."""
    if os.geteuid() == 0:
        return Path("/var/lib/sojourn")
    return Path.home() / ".local" / "share" / "sojourn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What can be set from outside. Each field is one environment variable."""

    database_url: str | None = None
    """DATABASE_URL: PostgreSQL 15 or newer. Not set: an embedded server in the data directory."""
    data_dir: Path = Path("data")
    """SOJOURN_DATA_DIR: the embedded database, the installation key, stored media."""
    secret_key: str | None = None
    """SOJOURN_SECRET_KEY: at least 32 random bytes as base64; several with commas, newest first. Not set: a key in
    the data directory."""
    host: str = "127.0.0.1"
    """SOJOURN_HOST: the address that the web process listens on."""
    port: int = 8080
    """SOJOURN_PORT: its port."""
    public_url: str = "http://127.0.0.1:8080"
    """SOJOURN_PUBLIC_URL: how the world reaches this installation, without a slash at the end."""
    clock_file: Path | None = None
    """SOJOURN_CLOCK_FILE: demo and tests only: a file that holds the offset of the product clock."""
    allow_private_urls: AllowPrivate = False
    """SOJOURN_ALLOW_PRIVATE_URLS: calls to user-given addresses may reach private networks (1), or this machine only
    (loopback)."""
    pool_size: int = 10
    """SOJOURN_POOL_SIZE: database connections a process."""
    workers: int = 1
    """SOJOURN_WORKERS: worker processes that `sojourn run` starts."""
    log_level: str = "INFO"
    """SOJOURN_LOG_LEVEL: DEBUG, INFO, WARNING or ERROR."""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Settings:
        """Read the environment. Raises ValueError with the variable's name when a value cannot be read."""
        port = _integer(environ, "SOJOURN_PORT", 8080)
        host = environ.get("SOJOURN_HOST", "127.0.0.1")
        return cls(
            database_url=environ.get("DATABASE_URL") or None,
            data_dir=Path(environ.get("SOJOURN_DATA_DIR") or default_data_dir()),
            secret_key=environ.get("SOJOURN_SECRET_KEY") or None,
            host=host,
            port=port,
            public_url=environ.get("SOJOURN_PUBLIC_URL", f"http://{host}:{port}").rstrip("/"),
            clock_file=Path(environ["SOJOURN_CLOCK_FILE"]) if environ.get("SOJOURN_CLOCK_FILE") else None,
            allow_private_urls=_allow_private(environ.get("SOJOURN_ALLOW_PRIVATE_URLS", "").lower()),
            pool_size=_integer(environ, "SOJOURN_POOL_SIZE", 10),
            workers=_integer(environ, "SOJOURN_WORKERS", 1),
            log_level=environ.get("SOJOURN_LOG_LEVEL", "INFO").upper(),
        )


def _allow_private(word: str) -> AllowPrivate:
    return "loopback" if word == "loopback" else word in {"1", "true", "yes"}


def _integer(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name)
    if not text:
        return default
    try:
        return int(text)
    except ValueError as error:
        raise ValueError(f"{name} must be a whole number, not {text!r}") from error
