"""An account as the client needs it: addresses and headers made once, secrets opened once a version."""

from collections.abc import Sequence
from uuid import UUID

from multidict import CIMultiDict
from yarl import URL

from sojourn.channels import store
from sojourn.channels.actions import SECRET_CONTEXT, TOKEN_CONTEXT
from sojourn.kit.crypto import KeyRing
from sojourn.kit.database import Conn, Row

REMEMBERED_MAX = 10_000


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
    """The accounts of WhatsApp senders, one statement for all; a sender without token or gone is left out.

    Secrets are opened once a version and kept in this process.
    """
    accounts: dict[UUID, Account] = {}
    for row in await store.list_credentials(conn, sender_ids):
        if row["channel"] != "whatsapp" or row["access_token"] is None:
            continue
        known = _remembered.get(row["id"])
        if known is None or known.version != (row["version"], row["app_version"]):
            known = Account(row, keys)
            if len(_remembered) >= REMEMBERED_MAX:
                _remembered.clear()
            _remembered[row["id"]] = known
        accounts[row["id"]] = known
    return accounts
