"""Registering a number for sending, with the six-digit PIN of its two-step verification."""

from dataclasses import dataclass, field

import aiohttp

from sojourn.channels import addresses
from sojourn.channels.template_calls import ProviderRefused, translated
from sojourn.channels.whatsapp import client
from sojourn.channels.whatsapp.account import Account
from sojourn.settings import AllowPrivate


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What Meta asks for. `pin` is passed on and forgotten; `region` None: Meta chooses where data rest."""

    pin: str = field(repr=False)
    region: str | None = None


async def register_number(account: Account, wanted: Registration, *, allow_private: AllowPrivate) -> None:
    """Register an account's number. Ten tries in 72 hours, the failed ones counted.

    Touches the network: no lock may be held. Raises AddressRefused, ProviderRefused (with Meta's code: 133005 wrong
    PIN, 133006 not verified yet, 133016 too many tries) and ProviderUnreachable.
    """
    await addresses.check_resolved(account.base_url, allow_private=allow_private)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        try:
            await translated(client.register(http, account, wanted.pin, region=wanted.region))
        except ProviderRefused as error:
            raise ProviderRefused(**_without(error.data, wanted.pin)) from None


def _without(data: dict[str, object], pin: str) -> dict[str, object]:
    """What Meta said, should it repeat the PIN."""
    return {name: value.replace(pin, "······") if isinstance(value, str) else value for name, value in data.items()}
