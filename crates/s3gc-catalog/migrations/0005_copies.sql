-- How many bytes the store itself copied beside the pack.
ALTER TABLE pack ADD COLUMN copied_bytes INTEGER NOT NULL DEFAULT 0;
