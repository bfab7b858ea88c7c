"""Rules about the workspace's switches and about who the person is."""

from __future__ import annotations

from sojourn.policy.model import Case, Exclude, Reason, Verdict

MISSING = Exclude(Reason.FACTS_MISSING)


def brake(case: Case) -> Verdict:
    """Nothing leaves while the workspace's brake is on."""
    if case.workspace.brake:
        return 1, Exclude(Reason.BRAKE)
    return 0, None


def allow_list(case: Case) -> Verdict:
    """With the allow list on, only addresses on it receive."""
    if not case.workspace.allow_list_on:
        return None, None
    consents = case.person.consents
    if consents is None:
        return None, MISSING
    if not consents.on_allow_list:
        return 0, Exclude(Reason.ALLOW_LIST)
    return 1, None


def erased(case: Case) -> Verdict:
    """A person who asked to be forgotten gets nothing."""
    if case.person.is_erased is None:
        return None, MISSING
    if case.person.is_erased:
        return 1, Exclude(Reason.ERASED)
    return 0, None


def suppressed(case: Case) -> Verdict:
    """An entry of the suppression list that covers the purpose."""
    consents = case.person.consents
    if consents is None:
        return None, MISSING
    if not consents.suppressions:
        return None, None
    entry = consents.suppression_for(case.request.purpose)
    if entry is None:
        return "other_purpose", None
    return entry.reason.value, Exclude(Reason.SUPPRESSED)


def no_address(case: Case) -> Verdict:
    """There must be an address on the channel."""
    if case.person.address_scheme is None:
        return None, Exclude(Reason.NO_ADDRESS)
    return case.person.address_scheme, None


def identity_changed(case: Case) -> Verdict:
    """The address showed up with another person and is not confirmed since."""
    if case.person.address_state is None:
        return None, MISSING
    if case.person.address_state == "identity_changed":
        return 1, Exclude(Reason.IDENTITY_CHANGED)
    return 0, None


def unreachable(case: Case) -> Verdict:
    """The address failed as not reachable on three distinct days, or the platform refuses it; an inbound clears it."""
    if case.person.address_state == "unreachable":
        return 1, Exclude(Reason.UNREACHABLE)
    return 0, None


def duplicate_address(case: Case) -> Verdict:
    """A campaign writes to an address once."""
    if case.request.is_duplicate:
        return 1, Exclude(Reason.DUPLICATE_ADDRESS)
    return 0, None
