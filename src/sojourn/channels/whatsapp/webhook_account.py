"""All webhook fields besides `messages`: templates, preferences, account, numbers, calls, groups, and the rest.

Source: Cloud API reference, sections 5.7 and 5.8.
"""

from collections.abc import Callable
from typing import Any

from sojourn.channels.whatsapp.updates import NoticeItem, PreferenceItem, TemplateItem, Update
from sojourn.channels.whatsapp.webhook_frame import Frame, unknown
from sojourn.channels.whatsapp.webhook_values import as_dict, as_list, as_text, parse_moment


def parse_value(frame: Frame, value: dict[str, Any]) -> list[Update]:
    """Read the value of any field but `messages`; a field that we do not know becomes one UnknownItem."""
    phone_number_id = as_text(as_dict(value.get("metadata")).get("phone_number_id"))
    framed = Frame(
        waba_id=frame.waba_id, field=frame.field, at=frame.at, people=frame.people, phone_number_id=phone_number_id
    )
    read = _FIELDS.get(frame.field)
    if read is None:
        return [unknown(framed, "unknown field", value)]
    return read(framed, value) or [unknown(framed, "nothing known inside", value)]


def _lower(value: object) -> str | None:
    text = as_text(value)
    return text.lower().replace(" ", "_") if text is not None else None


def _notice(frame: Frame, kind: str, data: dict[str, Any], *, moment: object = None) -> NoticeItem:
    number = as_text(data.get("display_phone_number")) or as_text(data.get("phone_number"))
    return NoticeItem(
        waba_id=frame.waba_id,
        phone_number_id=frame.phone_number_id,
        field=frame.field,
        kind=kind,
        at=parse_moment(moment, frame.at),
        display_phone_number=number,
        data=data,
    )


def _one(event_key: str) -> Callable[[Frame, dict[str, Any]], list[Update]]:
    """A field whose value is one piece of news, named by the value's `event_key`."""

    def read(frame: Frame, value: dict[str, Any]) -> list[Update]:
        event = _lower(value.get(event_key)) or "changed"
        return [_notice(frame, f"{frame.field}.{event}", value, moment=value.get("timestamp"))]

    return read


def _many(list_key: str, event_key: str) -> Callable[[Frame, dict[str, Any]], list[Update]]:
    """A field whose value lists pieces of news."""

    def read(frame: Frame, value: dict[str, Any]) -> list[Update]:
        updates: list[Update] = []
        for item in as_list(value.get(list_key)):
            data = as_dict(item)
            event = _lower(data.get(event_key)) or "changed"
            event = f"{event}_failed" if data.get("errors") else event
            updates.append(_notice(frame, f"{frame.field}.{event}", data, moment=data.get("timestamp")))
        return updates

    return read


def _preferences(frame: Frame, value: dict[str, Any]) -> list[Update]:
    updates: list[Update] = []
    for item in as_list(value.get("user_preferences")):
        data = as_dict(item)
        word = _lower(data.get("value"))
        wa_id, user_id = as_text(data.get("wa_id")), as_text(data.get("user_id"))
        at = parse_moment(data.get("timestamp"), frame.at)
        category = _lower(data.get("category")) or "marketing_messages"
        if category != "marketing_messages" or (wa_id is None and user_id is None):
            updates.append(unknown(frame, f"preference {category[:40]}", item))
        elif word == "stop":
            updates.append(_preference(frame, "stop", wa_id, user_id, at))
        elif word == "resume":
            updates.append(_preference(frame, "resume", wa_id, user_id, at))
        else:
            updates.append(unknown(frame, f"preference value {str(word)[:40]}", item))
    return updates


def _preference(frame: Frame, value: Any, wa_id: str | None, user_id: str | None, at: Any) -> PreferenceItem:
    return PreferenceItem(
        waba_id=frame.waba_id,
        phone_number_id=frame.phone_number_id,
        value=value,
        at=at,
        wa_id=wa_id,
        user_id=user_id,
    )


def _template(frame: Frame, value: dict[str, Any], event: str, **more: str | None) -> list[Update]:
    id_, name = as_text(value.get("message_template_id")), as_text(value.get("message_template_name"))
    language = as_text(value.get("message_template_language"))
    if id_ is None or name is None or language is None:
        return [unknown(frame, "a template without id, name or language", value)]
    return [
        TemplateItem(
            waba_id=frame.waba_id,
            phone_number_id=frame.phone_number_id,
            provider_template_id=id_,
            name=name,
            language=language.replace("-", "_"),
            event=event,
            at=frame.at,
            **more,
        )
    ]


def _template_status(frame: Frame, value: dict[str, Any]) -> list[Update]:
    """Reviews, pauses and the like. One page of Meta shows quality news under this field: both are read."""
    if "new_quality_score" in value:
        return _template_quality(frame, value)
    event = _lower(value.get("event"))
    if event is None:
        return [unknown(frame, "a template status without event", value)]
    reason = as_text(value.get("reason"))
    info = as_dict(value.get("other_info"))
    rejection = as_dict(value.get("rejection_info"))
    texts = [
        None if reason in (None, "NONE") else reason,
        as_text(info.get("title")),
        as_text(rejection.get("reason")),
        as_text(rejection.get("recommendation")),
    ]
    said = ": ".join(dict.fromkeys(text for text in texts if text)) or None
    return _template(frame, value, event, category=_lower(value.get("message_template_category")), reason=said)


def _template_quality(frame: Frame, value: dict[str, Any]) -> list[Update]:
    return _template(frame, value, "quality", quality=_lower(value.get("new_quality_score")))


def _template_components(frame: Frame, value: dict[str, Any]) -> list[Update]:
    return _template(frame, value, "components_changed")


def _template_category(frame: Frame, value: dict[str, Any]) -> list[Update]:
    """With `correct_category` the change is only announced, and `new_category` is still the present one."""
    coming = _lower(value.get("correct_category"))
    if coming is not None:
        return _template(frame, value, "category_impending", category=coming)
    previous = _lower(value.get("previous_category"))
    reason = f"was {previous}" if previous else None
    return _template(frame, value, "category_changed", category=_lower(value.get("new_category")), reason=reason)


def _calls(frame: Frame, value: dict[str, Any]) -> list[Update]:
    updates = _many("calls", "event")(frame, value)
    updates += _many("statuses", "status")(frame, value)
    updates += _many("errors", "code")(frame, value)
    return updates


def _history(frame: Frame, value: dict[str, Any]) -> list[Update]:
    updates: list[Update] = []
    for item in as_list(value.get("history")):
        data = as_dict(item)
        kind = "declined" if data.get("errors") else "chunk"
        updates.append(_notice(frame, f"history.{kind}", data))
    for key in ("messages", "message_echoes"):
        updates.extend(_notice(frame, "history.media", as_dict(item)) for item in as_list(value.get(key)))
    return updates


def _plain(kind: str) -> Callable[[Frame, dict[str, Any]], list[Update]]:
    """A field that says one thing."""
    return lambda frame, value: [_notice(frame, kind, value, moment=value.get("timestamp"))]


_FIELDS: dict[str, Callable[[Frame, dict[str, Any]], list[Update]]] = {
    "user_preferences": _preferences,
    "message_template_status_update": _template_status,
    "message_template_quality_update": _template_quality,
    "message_template_components_update": _template_components,
    "template_category_update": _template_category,
    "template_correct_category_detection": _template_category,
    "phone_number_quality_update": _one("event"),
    "phone_number_name_update": _one("decision"),
    "phone_number_username_update": _one("status"),
    "business_username_update": _one("status"),
    "business_capability_update": _plain("business_capability_update"),
    "account_update": _one("event"),
    "account_alerts": lambda frame, value: [
        _notice(frame, f"account_alerts.{_lower(as_dict(value.get('alert_info')).get('alert_type'))}", value)
    ],
    "account_review_update": _one("decision"),
    "account_settings_update": _one("type"),
    "business_status_update": _one("event"),
    "security": _one("event"),
    "flows": _one("event"),
    "calls": _calls,
    "group_lifecycle_update": _many("groups", "type"),
    "group_participants_update": _many("groups", "type"),
    "group_settings_update": _many("groups", "type"),
    "group_status_update": _many("groups", "type"),
    "history": _history,
    "smb_app_state_sync": _many("state_sync", "action"),
    "smb_message_echoes": _many("message_echoes", "type"),
    "message_echoes": _many("message_echoes", "type"),
    "standby": _plain("standby"),
    "messaging_handovers": _plain("messaging_handovers"),
    "automatic_events": _plain("automatic_events"),
    "tracking_events": _plain("tracking_events"),
    "payment_configuration_update": _one("status"),
    "partner_solutions": _one("event"),
}
