-- A hold may also say that the application migrates: while it lasts nothing at all is deleted.
ALTER TABLE hold ADD COLUMN kind TEXT NOT NULL DEFAULT 'glob' CHECK (kind IN ('glob', 'migration'));

-- The keys whose objects are in the vault alone: each census looks whether something references one.
CREATE INDEX entry_vaulted ON entry (location, id, key) WHERE state = 'deleted';
