"""Template calls to a sender's provider, for `templates/sync.py`: list, create, edit, delete.

They touch the network: call them outside of a transaction, from a leased task. All raise `ProviderRefused` (with the
catalogue's reaction and the provider's words) or `ProviderUnreachable`.
"""

from collections.abc import Awaitable
from typing import Any, TypeVar
from uuid import UUID

from sojourn.channels.base import FailureReaction
from sojourn.channels.whatsapp import client
from sojourn.channels.whatsapp.account import Account, load_accounts
from sojourn.channels.whatsapp.graph import GraphError, GraphUnreachable
from sojourn.kit.errors import AppError, Kind
from sojourn.kit.jobs import Work

T = TypeVar("T")


class ProviderRefused(AppError):
    """The provider refused the call."""

    kind = Kind.CONFLICT
    code = "provider_refused"

    def __init__(self, **data: Any) -> None:
        super().__init__(**data)
        self.reaction = FailureReaction(data["reaction"])


class ProviderUnreachable(AppError):
    """The provider gave no usable answer."""

    kind = Kind.UNAVAILABLE
    code = "provider_unreachable"


async def list_templates(work: Work, sender_id: UUID) -> list[dict[str, Any]]:
    """All template variants of the sender's account, as the Graph API shows them (reference, section 3.4)."""
    account = await _account(work, sender_id)
    return await translated(client.list_templates(work.http, account))


async def create_template(work: Work, sender_id: UUID, definition: dict[str, Any]) -> dict[str, Any]:
    """Submit a variant; the answer has id, status and the category that Meta chose."""
    account = await _account(work, sender_id)
    return await translated(client.create_template(work.http, account, definition))


async def edit_template(work: Work, sender_id: UUID, provider_template_id: str, changes: dict[str, Any]) -> None:
    """Replace components, category or lifetime of a variant; it is reviewed again."""
    account = await _account(work, sender_id)
    await translated(client.edit_template(work.http, account, provider_template_id, changes))


async def delete_template(work: Work, sender_id: UUID, name: str, provider_template_id: str | None = None) -> None:
    """Delete one variant, or all languages of a template."""
    account = await _account(work, sender_id)
    await translated(client.delete_template(work.http, account, name, provider_template_id))


async def _account(work: Work, sender_id: UUID) -> Account:
    async with work.transaction() as conn:
        accounts = await load_accounts(conn, [sender_id], work.keys)
    if sender_id not in accounts:
        raise ProviderUnreachable(sender_id=sender_id, reason="the sender has no credentials")
    return accounts[sender_id]


async def translated(call: Awaitable[T]) -> T:
    """The result of a client's call, its errors as ours."""
    try:
        return await call
    except GraphError as error:
        raise ProviderRefused(
            provider_code=error.code,
            subcode=error.subcode,
            reaction=error.entry.reaction.value,
            detail=error.details or error.title,
            advice=error.entry.advice,
        ) from error
    except GraphUnreachable as error:
        raise ProviderUnreachable(reason=str(error)) from error
