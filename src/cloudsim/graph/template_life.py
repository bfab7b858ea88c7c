"""What happens to a template: reviewed, paused, disabled, judged, put into another category (reference 3.6, 5.8)."""

from typing import Any

from cloudsim import delivery
from cloudsim.graph import template_rules as rules
from cloudsim.jsontypes import Json
from cloudsim.simulator import Simulator
from cloudsim.world import Template

HOUR = 3600.0
PAUSES = {1: 3 * HOUR, 2: 6 * HOUR}  # the third time a template is disabled


def schedule_review(sim: Simulator, template: Template) -> None:
    """The verdict comes after seconds; at once for authentication and library templates."""
    if template.category == "AUTHENTICATION" or template.library_name:
        sim.timers.after(0, review, sim, template, "")
    elif sim.settings.review_auto:
        dice = sim.dice(template.id, template.updated_at)
        sim.timers.after(dice.between(0, *sim.settings.review_delay), review, sim, template, "")


def review(sim: Simulator, template: Template, reject_reason: str, info: Json | None = None) -> None:
    """Approve, or reject with a reason. A mis-declared utility template is approved as marketing (reference 3.6)."""
    if template.status != "PENDING" or template.id not in sim.world.templates:
        return
    template.updated_at = sim.now()
    if reject_reason:
        template.status, template.rejected_reason = "REJECTED", reject_reason
        extra = {"rejection_info": info} if info else {}
        tell_status(sim, template, "REJECTED", reject_reason, **extra)
        return
    if template.category == "UTILITY" and sim.settings.recategorise and rules.is_promotional(template.components):
        template.previous_category, template.category = "UTILITY", "MARKETING"
    template.status, template.rejected_reason = "APPROVED", "NONE"
    tell_status(sim, template, "APPROVED", "NONE")
    if template.previous_category == "UTILITY" and template.category == "MARKETING":
        tell(sim, template, "template_category_update", {"previous_category": "UTILITY", "new_category": "MARKETING"})


def tell(sim: Simulator, template: Template, field: str, extra: Json) -> None:
    value: Json = {
        "message_template_id": int(template.id),
        "message_template_name": template.name,
        "message_template_language": template.language,
        **extra,
    }
    sim.emit(template.waba_id, field, value)


def tell_status(sim: Simulator, template: Template, event: str, reason: str | None, **extra: Any) -> None:
    tell(
        sim,
        template,
        "message_template_status_update",
        {"event": event, "reason": reason, "message_template_category": template.category, **extra},
    )


def pause(sim: Simulator, template: Template, *, by_pacing: bool = False) -> None:
    """3 h the first time, 6 h the second, then disabled; a pacing pause lasts until somebody unpauses it."""
    if template.status != "APPROVED":
        return
    template.pauses += 1
    if template.pauses > len(PAUSES) and not by_pacing:
        disable(sim, template)
        return
    template.status = "PAUSED"
    title = {1: "FIRST_PAUSE", 2: "SECOND_PAUSE"}.get(template.pauses, "RATE_LIMITING_PAUSE")
    text = (
        "Paused for pacing."
        if by_pacing
        else f"Paused for {PAUSES[template.pauses] / HOUR:g} hours because of recipient feedback."
    )
    if by_pacing:
        title = "RATE_LIMITING_PAUSE"
    else:
        template.unpause_at = sim.now() + PAUSES[template.pauses]
        sim.timers.at(template.unpause_at, _unpause_by_itself, sim, template, template.unpause_at)
    tell_status(sim, template, "PAUSED", "NONE", other_info={"title": title, "description": text})
    fail_held(sim, template)


def pause_by_name(sim: Simulator, name: str) -> None:
    for template in sim.world.templates.values():
        if template.name == name:
            pause(sim, template)


def _unpause_by_itself(sim: Simulator, template: Template, expected: float) -> None:
    if template.status == "PAUSED" and template.unpause_at == expected:
        resume(sim, template)


def resume(sim: Simulator, template: Template) -> None:
    template.status, template.unpause_at, template.reports = "APPROVED", 0.0, 0
    tell_status(
        sim, template, "APPROVED", "NONE", other_info={"title": "UNPAUSE", "description": "The template is active."}
    )


def disable(sim: Simulator, template: Template) -> None:
    template.status = "DISABLED"
    tell_status(sim, template, "DISABLED", None, disable_info={"disable_date": int(sim.now())})
    fail_held(sim, template)


def fail_held(sim: Simulator, template: Template) -> None:
    held, template.held = template.held, []
    for wamid in held:
        sim.timers.after(0.5, delivery.fail, sim, sim.world.messages[wamid], 132015)


def release_held(sim: Simulator, template: Template) -> None:
    """The first batch was liked: what was held goes out."""
    held, template.held, template.pacing = template.held, [], None
    for wamid in held:
        message = sim.world.messages[wamid]
        message.state = "accepted"
        delivery.dispatch(sim, message, message.plan)


def judge_pacing(sim: Simulator, template: Template) -> None:
    if template.pacing is None:
        return
    if template.pacing.get("verdict", "good") == "good":
        release_held(sim, template)
    else:
        template.pacing = None
        pause(sim, template, by_pacing=True)


def set_quality(sim: Simulator, template: Template, score: str) -> None:
    """RED pauses the template."""
    previous, template.quality, template.quality_at = template.quality, score, sim.now()
    if previous != score:
        tell(
            sim,
            template,
            "message_template_quality_update",
            {"previous_quality_score": previous, "new_quality_score": score},
        )
    if score == "RED":
        pause(sim, template)


def report_spam(sim: Simulator, template: Template) -> None:
    """A person reported a message: quality falls step by step."""
    template.reports += 1
    set_quality(sim, template, {1: "GREEN", 2: "YELLOW"}.get(template.reports, "RED"))


def announce_category(sim: Simulator, template: Template, category: str, *, notice_seconds: float) -> None:
    """A category change with notice, or at once when the notice is 0."""
    if notice_seconds <= 0:
        change_category(sim, template, category)
        return
    template.correct_category = category
    at = sim.now() + notice_seconds
    tell(
        sim,
        template,
        "template_category_update",
        {"new_category": template.category, "correct_category": category, "category_update_timestamp": int(at)},
    )
    sim.timers.at(at, change_category, sim, template, category)


def change_category(sim: Simulator, template: Template, category: str) -> None:
    template.previous_category, template.category, template.correct_category = template.category, category, ""
    template.shape = None
    tell(
        sim,
        template,
        "template_category_update",
        {"previous_category": template.previous_category, "new_category": category},
    )
