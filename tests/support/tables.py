"""Our tables by where their rows would lie if they were spread over machines."""

from __future__ import annotations

# Rows that belong to one person: `bucket` is the last byte of the person's id, and of the row's own id.
OF_A_PERSON = {
    "attempts", "attribute_changes", "consent_blocks", "consent_entries", "consent_heads", "consent_requests", "consents", "conversations",
    "costs", "deliveries", "delivery_contents", "delivery_holds", "delivery_keys", "events", "identity_changes", "messages",
    "open_questions", "outbox", "pairs", "pressure", "pressure_marks", "profile_keys", "profile_merges", "profiles", "runs", "steps", "windows",
    "jobs", "dead_jobs",
}  # fmt: skip
# Rows that are looked up before anybody knows whose they are: their bucket comes from a hash of their key.
OF_A_KEY = {
    "consent_tombstones", "event_keys", "identities", "portfolio_recipients", "provider_messages", "stray_statuses",
}  # fmt: skip
# Configuration, counters, lists that are read with every decision, the log of raw webhooks: on every machine, or on one.
OF_THE_INSTALLATION = {
    "allow_list", "api_keys", "attribute_definitions", "audit_chains", "audit_entries", "custom_roles", "archive_parts", "archives", "erasures", "event_rules", "imports", "installation_keys", "journey_versions",
    "journeys", "live_events", "media", "media_blobs", "media_uploads", "member_links", "member_sessions", "members", "memberships", "opt_in_form_versions", "opt_in_forms", "opt_in_hits",
    "opt_in_links", "outbound_attempts", "outbound_endpoints", "outbound_messages", "owner_states", "periodic_jobs", "rate_cards", "retention_periods", "retention_runs", "schema_migrations",
    "sender_credentials", "sender_history", "sender_rates", "sender_settlements", "senders", "sign_in_attempts", "suppressions", "template_history",
    "template_uses", "template_variants", "template_versions", "templates", "webhook_apps", "webhook_bodies",
    "webhook_counters", "worker_pulses", "workspaces",
}  # fmt: skip
HOT = OF_A_PERSON | OF_A_KEY
