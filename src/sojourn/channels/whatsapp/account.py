"""An account as the client needs it: addresses and headers made once, secrets opened once a version."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import structlog
from multidict import CIMultiDict
from yarl import URL

from sojourn.channels import store
from sojourn.channels.actions import CREDENTIALS_UNREADABLE, SECRET_CONTEXT, TOKEN_CONTEXT, stop_sender
from sojourn.kit.crypto import KeyRing, UnreadableSecret
from sojourn.kit.database import Conn, Row

REMEMBERED_MAX = 10_000
UNREADABLE = "the installation's key does not open its token or app secret: enter them again"

log = structlog.get_logger(__name__)


class Account:
    """One sender's way to the Graph API. Holds opened secrets: never log it."""

    __slots__ = (
        "api_url",
        "app_id",
        "app_key",
        "app_secret",
        "base_url",
        "headers",
        "messages_url",
        "phone_number_id",
        "sender_id",
        "simulated",
        "token",
        "version",
        "waba_id",
        "workspace_id",
    )

    def __init__(self, row: Row, keys: KeyRing) -> None:
        self.sender_id: UUID = row["id"]
        self.workspace_id: UUID = row["workspace_id"]
        self.version = (row["version"], row["app_version"])
        self.base_url: str = row["base_url"]
        self.api_url = f"{self.base_url}/{row['api_version']}"
        self.phone_number_id: str = row["phone_number_id"]
        self.waba_id: str = row["waba_id"]
        self.app_id: str | None = row["app_id"]
        self.app_key: str | None = row["app_key"]
        self.simulated: bool = row["simulated"]
        self.token = keys.decrypt(row["access_token"], context=TOKEN_CONTEXT).decode()
        sealed = row["app_secret"]
        self.app_secret = None if sealed is None else keys.decrypt(sealed, context=SECRET_CONTEXT).decode()
        self.messages_url = URL(f"{self.api_url}/{self.phone_number_id}/messages")
        self.headers = CIMultiDict({"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"})

    def __repr__(self) -> str:
        return f"Account(sender_id={self.sender_id})"


_remembered: dict[UUID, Account] = {}


async def load_accounts(conn: Conn, sender_ids: Sequence[UUID], keys: KeyRing) -> dict[UUID, Account]:
    """The accounts of WhatsApp senders, one statement for all.

    A sender without token, gone, or whose secrets cannot be opened is left out: one of them must not hold up the
    others. Secrets are opened once a version and kept in this process.
    """
    accounts, _ = await _load(conn, sender_ids, keys)
    return accounts


async def load_or_stop(
    conn: Conn, sender_ids: Sequence[UUID], keys: KeyRing, *, now: datetime
) -> tuple[dict[UUID, Account], frozenset[UUID]]:
    """As `load_accounts`, and those whose secrets cannot be opened, which are stopped with that reason."""
    accounts, unreadable = await _load(conn, sender_ids, keys)
    for sender_id in sorted(unreadable):
        await stop_sender(conn, sender_id, CREDENTIALS_UNREADABLE, now, detail=UNREADABLE)
    return accounts, unreadable


async def _load(conn: Conn, sender_ids: Sequence[UUID], keys: KeyRing) -> tuple[dict[UUID, Account], frozenset[UUID]]:
    accounts: dict[UUID, Account] = {}
    unreadable: set[UUID] = set()
    for row in await store.list_credentials(conn, sender_ids):
        if row["channel"] != "whatsapp" or row["access_token"] is None:
            continue
        known = _remembered.get(row["id"])
        if known is None or known.version != (row["version"], row["app_version"]):
            try:
                known = Account(row, keys)
            except UnreadableSecret:
                log.error("credentials_unreadable", sender_id=str(row["id"]))
                unreadable.add(row["id"])
                continue
            if len(_remembered) >= REMEMBERED_MAX:
                _remembered.clear()
            _remembered[row["id"]] = known
        accounts[row["id"]] = known
    return accounts, frozenset(unreadable)
