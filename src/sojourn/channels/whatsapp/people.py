"""Keyed hashes of the addresses in webhooks: enough to find a person's bodies again, worthless elsewhere."""

from collections.abc import Iterable

from sojourn.channels.whatsapp.webhook_values import normalise_address
from sojourn.kit.crypto import KeyRing

PURPOSE = "webhook person"
HASH_BYTES = 16


def hash_person(address: str, keys: KeyRing) -> bytes:
    """The hash of a phone number (any spelling), WhatsApp id or business-scoped id."""
    return keys.keyed_hash(normalise_address(address), purpose=PURPOSE)[:HASH_BYTES]


def hash_people(addresses: Iterable[str], keys: KeyRing) -> list[bytes]:
    """The hashes of several addresses, sorted."""
    return sorted({hash_person(address, keys) for address in addresses})
