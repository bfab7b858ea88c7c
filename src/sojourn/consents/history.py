"""One person's consent as it stands and as it came about, with the evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sojourn.consents import store
from sojourn.consents.chain import find_break
from sojourn.consents.model import ConsentFacts, Evidence
from sojourn.consents.writing import Address, open_sealed
from sojourn.kit.crypto import KeyRing
from sojourn.kit.database import Conn
from sojourn.profiles import store as profiles
from sojourn.profiles.model import ProfileId


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryLine:
    """A line of the ledger; `address` and `evidence` None when nobody said them or nobody may read them any more."""

    row: Mapping[str, Any]
    address: Address | None
    evidence: Evidence | None


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """All channels of one person. `is_intact`: every line of the ledger follows from the one before."""

    current: Mapping[str, ConsentFacts]
    lines: list[HistoryLine]
    is_intact: bool


async def read_history(
    conn: Conn, workspace_id: UUID, profile_id: UUID, *, keys: KeyRing, with_evidence: bool, now: datetime
) -> History:
    """What holds for a person on every channel they ever said something about, and the whole ledger, newest first.

    Lines said under a profile that was merged into this one are among them.
    """
    aliases = await profiles.list_aliases(conn, [profile_id])
    ids = [profile_id, *aliases.get(ProfileId(profile_id), [])]
    entries = await store.list_entries(conn, workspace_id, ids)
    data_keys = await profiles.get_profile_keys(conn, keys, ids) if with_evidence else {}
    lines = []
    for entry in entries:
        opened = open_sealed(entry["sealed"], data_keys.get(entry["profile_id"])) or (None, None)
        lines.append(HistoryLine(row=entry, address=opened[0], evidence=opened[1]))
    chains: dict[UUID, list[dict[str, Any]]] = {}
    for entry in entries:
        chains.setdefault(entry["profile_id"], []).append(entry)
    channels = sorted({entry["channel"] for entry in entries} - {store.EVERY_CHANNEL}) or ["whatsapp"]
    current = {}
    for channel in channels:
        facts = await store.read_consent_facts(conn, workspace_id, [profile_id], channel, now, keys=keys)
        current[channel] = facts[profile_id]
    lines.sort(key=lambda line: (line.row["recorded_at"], line.row["seq"]), reverse=True)
    return History(current=current, lines=lines, is_intact=all(find_break(chain) is None for chain in chains.values()))
