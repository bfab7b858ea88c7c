-- The thread of a person with a sender, and the questions that wait for an answer in it.

CREATE TABLE conversations (
    id              uuid NOT NULL,
    bucket          smallint NOT NULL,
    workspace_id    uuid NOT NULL,
    profile_id      uuid NOT NULL,
    sender_id       uuid NOT NULL,
    channel         text NOT NULL,
    user_id         text,
    last_inbound_at timestamptz,
    created_at      timestamptz NOT NULL,
    PRIMARY KEY (id, bucket),
    UNIQUE (profile_id, sender_id, bucket)
) WITH (fillfactor = 85);
COMMENT ON COLUMN conversations.user_id IS 'the business-scoped id that this sender last saw of the person';

-- At most one open question a person and sender; a newer one takes the place of the older.
CREATE TABLE open_questions (
    id          uuid NOT NULL,
    bucket      smallint NOT NULL,
    workspace_id uuid NOT NULL,
    profile_id  uuid NOT NULL,
    sender_id   uuid NOT NULL,
    run_id      uuid NOT NULL,
    step_key    text NOT NULL,
    delivery_id uuid,
    asked_at    timestamptz NOT NULL,
    expires_at  timestamptz,
    PRIMARY KEY (id, bucket),
    UNIQUE (profile_id, sender_id, bucket)
) WITH (fillfactor = 70);
CREATE INDEX open_questions_run ON open_questions (run_id);
