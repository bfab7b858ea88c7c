-- What the attributes of people were before, and what a merge did, so that it can be undone.

-- One row a profile and call that really changed something: `changes` maps a name to [old, new]; null: was not there.
-- The values that a profile began with are no change. Read by profile, newest first; swept by `changed_at`.
CREATE TABLE attribute_changes (
    id           uuid NOT NULL,
    bucket       smallint NOT NULL CHECK (bucket = get_byte(uuid_send(id), 15)),
    workspace_id uuid NOT NULL,
    profile_id   uuid NOT NULL,
    source       text NOT NULL,
    changes      jsonb NOT NULL,
    changed_at   timestamptz NOT NULL,
    PRIMARY KEY (profile_id, id, bucket)
);
CREATE INDEX attribute_changes_changed ON attribute_changes USING brin (changed_at);

-- One row a merge: which addresses went from the loser to the winner (`keys`; `primary_keys`: those in use), and what
-- the winner did not have and got. The row's bucket is the loser's. `undone_from`: who stood for the loser then.
CREATE TABLE profile_merges (
    id           uuid NOT NULL,
    bucket       smallint NOT NULL CHECK (bucket = get_byte(uuid_send(loser_id), 15)),
    workspace_id uuid NOT NULL,
    loser_id     uuid NOT NULL,
    winner_id    uuid NOT NULL,
    keys         text[] NOT NULL,
    primary_keys text[] NOT NULL,
    given        jsonb NOT NULL,
    given_facts  jsonb NOT NULL,
    merged_at    timestamptz NOT NULL,
    undone_at    timestamptz,
    undone_from  uuid,
    PRIMARY KEY (loser_id, id, bucket)
);
CREATE INDEX profile_merges_winner ON profile_merges (winner_id);

ALTER TABLE profiles ADD COLUMN merged_at timestamptz;

ALTER TABLE identity_changes DROP CONSTRAINT identity_changes_kind_check;
ALTER TABLE identity_changes ADD CONSTRAINT identity_changes_kind_check
    CHECK (kind IN ('lost', 'moved_in', 'replaced', 'merged', 'unmerged'));
