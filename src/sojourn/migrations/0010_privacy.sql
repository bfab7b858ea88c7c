-- What was deleted, when and why: counts only, never whom.

CREATE TABLE erasures (
    id           uuid PRIMARY KEY,
    workspace_id uuid NOT NULL,
    profile_id   uuid NOT NULL,
    requested_by text NOT NULL,
    counts       jsonb NOT NULL,
    erased_at    timestamptz NOT NULL
);
CREATE INDEX erasures_workspace ON erasures (workspace_id, id);

CREATE TABLE retention_runs (
    id         uuid PRIMARY KEY,
    is_dry_run boolean NOT NULL,
    counts     jsonb NOT NULL,
    run_at     timestamptz NOT NULL
);
