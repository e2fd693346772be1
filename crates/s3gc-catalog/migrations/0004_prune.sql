-- Where a pack stands on its way out of the vault, and since when; `kept` has no time.
ALTER TABLE pack ADD COLUMN state TEXT NOT NULL DEFAULT 'kept'
    CHECK (state IN ('kept', 'marked', 'pruning', 'pruned'));
ALTER TABLE pack ADD COLUMN state_at TEXT CHECK ((state_at IS NULL) = (state = 'kept'));

-- When `vault reindex` found it, and what of it could not be read; NULL for packs that a run of this catalog wrote.
ALTER TABLE pack ADD COLUMN adopted_at TEXT;
ALTER TABLE pack ADD COLUMN damage TEXT;

-- Since when the copy is not in the vault any more: the time at which its pack began to be pruned.
ALTER TABLE entry ADD COLUMN pruned_at TEXT;

-- What is in the vault alone, now without what was pruned.
DROP INDEX entry_vaulted;
CREATE INDEX entry_vaulted ON entry (location, id, key) WHERE state = 'deleted' AND pruned_at IS NULL;
