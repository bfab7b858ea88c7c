"""Which table holds what about people, and for how long: the one list, from which the manual's page is made."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

DAY = timedelta(days=1)
MONTH = timedelta(days=30)
YEAR = timedelta(days=365)


@dataclass(frozen=True, slots=True, kw_only=True)
class DataClass:
    """A kind of data with one period. `keep` None: as long as the person or the workspace exists.

    `erasure` says what one person's erasure does to it. `shortest`: a workspace may keep it for another time, so long
    at least; None: it may not.
    """

    name: str
    tables: tuple[str, ...]
    holds: str
    keep: timedelta | None
    counted_from: str
    erasure: str
    shortest: timedelta | None = None


CLASSES: tuple[DataClass, ...] = (
    DataClass(
        name="webhook_bodies",
        tables=("webhook_bodies",),
        holds="raw bodies of webhooks, sealed; the people in them as keyed hashes",
        keep=timedelta(days=30),
        counted_from="receipt",
        erasure="the person is redacted; what is about others stays",
    ),
    DataClass(
        name="message_texts",
        tables=("messages", "delivery_contents", "provider_messages"),
        holds="what was said, in and out, and the values that it was made from",
        keep=13 * MONTH,
        counted_from="the message",
        erasure="deleted; digests of provider ids stay, so that a repeated webhook stays a repeat",
        shortest=30 * DAY,
    ),
    DataClass(
        name="media",
        tables=("media", "media_blobs", "media_uploads"),
        holds="files that people sent, sealed; files of the workspace's own stay until deleted by hand",
        keep=13 * MONTH,
        counted_from="receipt",
        erasure="deleted",
        shortest=7 * DAY,
    ),
    DataClass(
        name="events",
        tables=("events",),
        holds="facts about people",
        keep=25 * MONTH,
        counted_from="the event",
        erasure="deleted",
        shortest=30 * DAY,
    ),
    DataClass(
        name="attribute_history",
        tables=("attribute_changes",),
        holds="what attributes of people were before",
        keep=25 * MONTH,
        counted_from="the change",
        erasure="deleted",
        shortest=30 * DAY,
    ),
    DataClass(
        name="event_keys",
        tables=("event_keys",),
        holds="keys by which a repeated event is recognised",
        keep=timedelta(days=30),
        counted_from="receipt",
        erasure="deleted: keys are the caller's own and may contain an address",
    ),
    DataClass(
        name="runs",
        tables=("runs", "steps"),
        holds="the way of people through journeys, with their variables",
        keep=25 * MONTH,
        counted_from="the end of the run",
        erasure="ended; variables and details deleted",
        shortest=90 * DAY,
    ),
    DataClass(
        name="delivery_records",
        tables=("deliveries", "attempts", "costs", "pressure_marks"),
        holds="that and when something was sent, why, how far it got, what it cost; no text, no address",
        keep=5 * YEAR,
        counted_from="the request",
        erasure="stays, with an id that leads to nobody, so that funnels keep their sums",
    ),
    DataClass(
        name="delivery_keys",
        tables=("delivery_keys",),
        holds="keys by which a repeated request is recognised",
        keep=timedelta(days=400),
        counted_from="the request",
        erasure="overwritten: keys are the caller's own and may contain an address; a campaign's name in front stays",
    ),
    DataClass(
        name="consent_ledger",
        tables=("consent_entries", "consent_heads"),
        holds="who agreed to or withdrew what, how and when; evidence sealed under the key of the person",
        keep=5 * YEAR,
        counted_from="the last message from or to the person",
        erasure="the key is destroyed; the chain still verifies",
        shortest=5 * YEAR,  # or what the country pack asks for
    ),
    DataClass(
        name="audit",
        tables=("audit_entries", "audit_chains", "imports", "erasures", "retention_runs"),
        holds="who changed what; ids and settings only",
        keep=5 * YEAR,
        counted_from="the change",
        erasure="stays: holds no personal data but ids",
    ),
    DataClass(
        name="stray_reports",
        tables=("stray_statuses", "dead_jobs"),
        holds="reports about unknown messages; work that failed for good",
        keep=timedelta(days=30),
        counted_from="receipt",
        erasure="deleted; of reports about several people only theirs",
    ),
    DataClass(
        name="archives",
        tables=("archives", "archive_parts"),
        holds="copies of what is held about one person, made on request; sealed",
        keep=7 * DAY,
        counted_from="the request",
        erasure="deleted",
    ),
    DataClass(
        name="outgoing_webhooks",
        tables=("outbound_messages", "outbound_attempts"),
        holds="what was told to the workspace's own endpoints, sealed, and how they answered",
        keep=30 * DAY,
        counted_from="the event",
        erasure="deleted",
    ),
    DataClass(
        name="form_visits",
        tables=("opt_in_hits",),
        holds="counters that limit how often a client may send a form",
        keep=timedelta(days=2),
        counted_from="the visit",
        erasure="nothing: keyed hashes",
    ),
    DataClass(
        name="sign_ins",
        tables=("member_sessions", "member_links", "sign_in_attempts"),
        holds="sessions of members (14 days at most), links that let them in (7 days), counted attempts (15 minutes)",
        keep=None,
        counted_from="",
        erasure="nothing: members only; digests and keyed hashes",
    ),
    DataClass(
        name="live_news",
        tables=("live_events",),
        holds="news for open browsers, for 15 minutes: ids, states and counts",
        keep=None,
        counted_from="",
        erasure="nothing: holds only ids",
    ),
    DataClass(
        name="people",
        tables=(
            "profiles", "identities", "identity_changes", "profile_keys", "consents", "consent_blocks",
            "consent_requests", "suppressions", "allow_list", "windows", "pressure", "pairs", "delivery_holds",
            "portfolio_recipients", "conversations", "open_questions", "outbox", "jobs", "profile_merges",
        ),
        holds="people, their addresses, and how things stand with them now",
        keep=None,
        counted_from="",
        erasure="deleted or emptied; the bare profile row stays",
    ),
    DataClass(
        name="tombstones",
        tables=("consent_tombstones",),
        holds="withdrawals of erased people as keyed hashes of their addresses",
        keep=None,
        counted_from="",
        erasure="written by it, so that a later import does not undo a withdrawal",
    ),
    DataClass(
        name="configuration",
        tables=(
            "workspaces", "members", "memberships", "custom_roles", "api_keys",
            "webhook_apps", "senders", "sender_credentials", "sender_history",
            "webhook_counters", "attribute_definitions", "event_rules", "templates", "template_variants",
            "template_versions", "template_history", "template_uses", "opt_in_forms", "opt_in_form_versions",
            "opt_in_links", "sender_rates", "sender_settlements",
            "worker_pulses", "owner_states", "retention_periods", "outbound_endpoints", "rate_cards", "journeys",
            "installation_keys", "journey_versions", "periodic_jobs", "schema_migrations",
        ),
        holds="what the workspace set up; nothing about the people it writes to",
        keep=None,
        counted_from="",
        erasure="nothing",
    ),
)  # fmt: skip

BY_NAME = {entry.name: entry for entry in CLASSES}


def manual_page() -> str:
    """The page of the manual, made from the list above."""
    lines = [
        "# What is kept, and for how long",
        "",
        "Made from `src/sojourn/privacy/model.py` by `make schema`; a test keeps both equal. A nightly job deletes",
        "what is older than its period; `POST /v1/retention/preview` counts it first. [How to](../howto/privacy.md).",
        "",
        "A workspace may keep some classes for another time, not shorter than *at least*: `PATCH /v1/retention`.",
        "",
        "| Class | Holds | Kept | At least | What an erasure does | Tables |",
        "|---|---|---|---|---|---|",
    ]
    for entry in CLASSES:
        kept = "as long as it is needed" if entry.keep is None else f"{_words(entry.keep)} after {entry.counted_from}"
        tables = ", ".join(f"`{table}`" for table in entry.tables)
        floor = "" if entry.shortest is None else _words(entry.shortest)
        lines.append(f"| {entry.name} | {entry.holds} | {kept} | {floor} | {entry.erasure} | {tables} |")
    return "\n".join(lines) + "\n"


def _words(period: timedelta) -> str:
    if period.days % YEAR.days == 0:
        return f"{period.days // YEAR.days} years"
    if period.days % MONTH.days == 0 and period.days > 60:
        return f"{period.days // MONTH.days} months"
    return f"{period.days} days"
