"""The verbs of journeys: `definitions` (save, publish, pause), `engine` (advance), `arrivals` (what comes for runs)."""

from sojourn.journeys.actions.arrivals import (
    advance_due,
    answer_runs,
    receive_events,
    receive_replies,
    receive_statuses,
)
from sojourn.journeys.actions.definitions import (
    pause_journey,
    publish_journey,
    resume_journey,
    save_journey,
    validate_journey,
)
from sojourn.journeys.actions.people import erase_profiles, merge_profile

__all__ = [
    "advance_due",
    "answer_runs",
    "erase_profiles",
    "merge_profile",
    "pause_journey",
    "publish_journey",
    "receive_events",
    "receive_replies",
    "receive_statuses",
    "resume_journey",
    "save_journey",
    "validate_journey",
]
