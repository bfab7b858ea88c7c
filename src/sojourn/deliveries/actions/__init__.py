"""The verbs of the road out. Folders above call these; `tasks.py` calls the rest from the modules beside."""

from sojourn.deliveries.actions.cancelling import cancel_deliveries, resume_owner, stop_owner
from sojourn.deliveries.actions.people import (
    erase_profiles,
    hold_profile,
    record_reply,
    release_profile,
    resolve_tap,
)
from sojourn.deliveries.actions.requesting import request_deliveries
from sojourn.deliveries.actions.unknowns import resend_unknown, settle_unknown

__all__ = [
    "cancel_deliveries",
    "erase_profiles",
    "hold_profile",
    "record_reply",
    "release_profile",
    "request_deliveries",
    "resend_unknown",
    "resolve_tap",
    "resume_owner",
    "settle_unknown",
    "stop_owner",
]
