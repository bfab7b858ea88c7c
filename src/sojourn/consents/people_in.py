"""How a request names a person: by addresses, or by the id of a profile."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from sojourn.kit.database import Conn
from sojourn.kit.errors import FieldError, InvalidInput
from sojourn.profiles.actions import resolve_profiles
from sojourn.profiles.model import Identity, InvalidIdentity, ProfileId, ProfileRef, Scheme, UnknownProfile
from sojourn.profiles.phone_numbers import normalise
from sojourn.profiles.store import get_profiles

ADDRESS_ORDER = {
    "whatsapp": (Scheme.PHONE, Scheme.WA_ID, Scheme.BSUID),
    "sms": (Scheme.PHONE,),
    "email": (Scheme.EMAIL,),
}


class ProfileIn(BaseModel):
    """Who it is about: at least one address or id."""

    model_config = ConfigDict(extra="forbid")
    phone: str | None = Field(None, max_length=64, examples=["+447700900303"])
    wa_id: str | None = Field(None, max_length=64)
    bsuid: str | None = Field(None, max_length=200)
    email: str | None = Field(None, max_length=320)
    external_id: str | None = Field(None, max_length=255)
    attributes: dict[str, Any] | None = None

    def identities(self) -> tuple[Identity, ...]:
        """The addresses, as given."""
        named = ((scheme, getattr(self, scheme.value, None)) for scheme in Scheme)
        return tuple(Identity(scheme, value) for scheme, value in named if value)

    def address_on(self, channel: str, region: str | None) -> Identity | None:
        """The address that a change on this channel is about, normalised, if one of those was named."""
        given = {identity.scheme: identity for identity in self.identities()}
        for scheme in ADDRESS_ORDER.get(channel, ()):
            if scheme in given:
                return Identity(scheme, normalise(scheme, given[scheme].value, region))
        return None


async def resolve_people(
    conn: Conn,
    workspace_id: UUID,
    named: Sequence[tuple[UUID | None, ProfileIn | None]],
    *,
    path: str,
    region: str,
    now: datetime,
) -> list[ProfileId]:
    """The profile of each (id, addresses) pair, in their order; who is unknown by address becomes a profile.

    Raises InvalidInput with the place of the first mistake, and UnknownProfile.
    """
    refs: list[ProfileRef] = []
    for place, (profile_id, profile) in enumerate(named):
        if (profile_id is None) == (profile is None):
            problem: FieldError = {"field": f"{path}[{place}]", "code": "profile_or_profile_id", "message": "name one"}
            raise InvalidInput([problem])
        if profile is not None:
            refs.append(_ref(profile, f"{path}[{place}].profile", region))
    resolved = iter(await resolve_profiles(conn, workspace_id, refs, now=now, source="api") if refs else [])
    known = await get_profiles(conn, workspace_id, {one for one, _ in named if one is not None})
    people: list[ProfileId] = []
    for profile_id, _ in named:
        if profile_id is None:
            people.append(next(resolved))
            continue
        found = known.get(ProfileId(profile_id))
        if found is None or found.erased_at is not None:
            raise UnknownProfile(profile_id=str(profile_id))
        people.append(found.merged_into or found.id)
    return people


def _ref(profile: ProfileIn, path: str, region: str) -> ProfileRef:
    identities = profile.identities()
    if not identities:
        raise InvalidInput([{"field": path, "code": "missing_identity", "message": "name an address or id"}])
    normalised = []
    for identity in identities:
        try:
            normalised.append(Identity(identity.scheme, normalise(identity.scheme, identity.value, region)))
        except InvalidIdentity as error:
            raise InvalidInput([error.at(f"{path}.{identity.scheme}")]) from error
    return ProfileRef(identities=tuple(normalised), attributes=profile.attributes)
