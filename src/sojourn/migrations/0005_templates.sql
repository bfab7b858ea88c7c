-- Approved message forms: one logical template, a variant a language and business account.

CREATE TABLE templates (
    id               uuid PRIMARY KEY,
    workspace_id     uuid NOT NULL,
    name             text NOT NULL CHECK (name ~ '^[a-z0-9_]+$' AND length(name) <= 512),
    purpose          text NOT NULL,
    category         text NOT NULL CHECK (category IN ('marketing', 'utility', 'authentication')),
    default_language text NOT NULL,
    parameter_format text NOT NULL CHECK (parameter_format IN ('named', 'positional')),
    variables        jsonb NOT NULL DEFAULT '{}',
    version          integer NOT NULL DEFAULT 1,
    created_at       timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL,
    archived_at      timestamptz,
    UNIQUE (workspace_id, name)
);

-- `waba_id` is empty while a variant is a draft that was submitted to no account yet.
CREATE TABLE template_variants (
    id                   uuid PRIMARY KEY,
    workspace_id         uuid NOT NULL,
    template_id          uuid NOT NULL REFERENCES templates (id) ON DELETE CASCADE,
    waba_id              text NOT NULL DEFAULT '',
    language             text NOT NULL,
    state                text NOT NULL CHECK (state IN ('draft', 'submitting', 'pending', 'approved', 'rejected', 'paused',
                             'disabled', 'in_appeal', 'pending_deletion', 'deleted', 'limit_exceeded', 'archived')),
    category             text NOT NULL CHECK (category IN ('marketing', 'utility', 'authentication')),
    correct_category     text,
    quality              text NOT NULL DEFAULT 'unknown' CHECK (quality IN ('unknown', 'green', 'yellow', 'red')),
    components           jsonb NOT NULL,
    provider_template_id text,
    rejected_reason      text,
    ttl_seconds          integer,
    version              integer NOT NULL DEFAULT 1,
    submitted_at         timestamptz,
    synced_at            timestamptz,
    created_at           timestamptz NOT NULL,
    updated_at           timestamptz NOT NULL,
    UNIQUE (template_id, waba_id, language)
);
CREATE UNIQUE INDEX template_variants_provider ON template_variants (workspace_id, waba_id, provider_template_id)
    WHERE provider_template_id IS NOT NULL;

-- The content as it was saved each time; a delivery names the version that it rendered.
CREATE TABLE template_versions (
    template_id uuid NOT NULL REFERENCES templates (id) ON DELETE CASCADE,
    version     integer NOT NULL,
    content     jsonb NOT NULL,
    actor       text NOT NULL,
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (template_id, version)
);

-- What the provider did to a variant: state, category, quality, content.
CREATE TABLE template_history (
    id           uuid PRIMARY KEY,
    workspace_id uuid NOT NULL,
    template_id  uuid NOT NULL,
    variant_id   uuid NOT NULL,
    what         text NOT NULL CHECK (what IN ('state', 'category', 'correct_category', 'quality', 'components')),
    old_value    text,
    new_value    text,
    reason       text,
    source       text NOT NULL CHECK (source IN ('submit', 'webhook', 'poll', 'delivery')),
    recorded_at  timestamptz NOT NULL
);
CREATE INDEX template_history_template ON template_history (template_id, id);

-- Who builds on a template, so that nobody deletes what a live journey sends.
CREATE TABLE template_uses (
    template_id uuid NOT NULL REFERENCES templates (id) ON DELETE CASCADE,
    owner_kind  text NOT NULL,
    owner_id    uuid NOT NULL,
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (template_id, owner_kind, owner_id)
);
