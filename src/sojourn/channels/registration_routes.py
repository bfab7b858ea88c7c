"""HTTP: register a number for sending. The PIN passes through and is kept nowhere."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from sojourn.channels import actions, store
from sojourn.channels.base import FailureReaction
from sojourn.channels.model import NoNumber, Sender
from sojourn.channels.routes import SenderOut, SettingsDep
from sojourn.channels.template_calls import ProviderRefused
from sojourn.channels.whatsapp.account import Account, load_accounts
from sojourn.channels.whatsapp.registration import Registration, register_number
from sojourn.kit.crypto import KeyRing
from sojourn.kit.database import Database
from sojourn.kit.web import Keys, Now
from sojourn.workspaces import audit
from sojourn.workspaces.access import Caller, require_right

router = APIRouter(prefix="/v1", tags=["senders"])

# Countries in which Meta can keep a number's messages. Source: Cloud API reference, register (read 2026-11).
Region = Literal["AE", "AU", "BH", "BR", "CA", "CH", "DE", "GB", "ID", "IN", "JP", "KR", "SG", "ZA"]


class RegistrationIn(BaseModel):
    """The six-digit PIN of the number's two-step verification; for a new number the one that it shall have."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)
    pin: Annotated[SecretStr, Field(min_length=6, max_length=6, json_schema_extra={"pattern": "^[0-9]{6}$"})]
    data_localization_region: Region | None = Field(default=None, description="Where Meta keeps messages at rest")

    @field_validator("pin")
    @classmethod
    def _only_digits(cls, pin: SecretStr) -> SecretStr:
        digits = pin.get_secret_value()
        if not (digits.isascii() and digits.isdigit()):
            raise ValueError("six digits")
        return pin


@router.post("/senders/{sender_id}/register")
async def register_sender(
    sender_id: UUID,
    body: RegistrationIn,
    request: Request,
    caller: Annotated[Caller, Depends(require_right("senders.write"))],
    keys: Keys,
    settings: SettingsDep,
    now: Now,
) -> SenderOut:
    """Register the number at Meta so that it can send; it is checked at once then.

    Meta allows ten tries in 72 hours, wrong PINs among them: 409 `provider_refused` has its code and what to do. The
    PIN is passed on and kept nowhere; every try leaves a line in the audit trail.
    """
    db: Database = request.app.state.db
    sender, account = await _load(db, caller, sender_id, keys)
    wanted = Registration(pin=body.pin.get_secret_value(), region=body.data_localization_region)
    try:
        await register_number(account, wanted, allow_private=settings.allow_private_urls)
    except ProviderRefused as error:
        async with db.transaction() as conn:
            changes = {"provider_code": error.data.get("provider_code")}
            await audit.record(
                conn, caller, caller.workspace_id, "sender.registration_refused", "sender", sender_id, changes, now
            )
        raise
    async with db.transaction() as conn:
        resume = sender.stopped_reason == FailureReaction.SENDER_STOP
        await actions.request_check(conn, sender, now=now, resume=resume)
        changes = {"data_localization_region": wanted.region}
        await audit.record(conn, caller, caller.workspace_id, "sender.registered", "sender", sender_id, changes, now)
        fresh = await store.get_sender(conn, caller.workspace_id, sender_id)
    return SenderOut.of(fresh, keys=keys, public_url=settings.public_url, may_write=True)


async def _load(db: Database, caller: Caller, sender_id: UUID, keys: KeyRing) -> tuple[Sender, Account]:
    async with db.transaction() as conn:
        sender = await store.get_sender(conn, caller.workspace_id, sender_id)
        accounts = await load_accounts(conn, [sender_id], keys)
    if sender_id not in accounts:
        raise NoNumber(sender_id=str(sender_id))
    return sender, accounts[sender_id]
