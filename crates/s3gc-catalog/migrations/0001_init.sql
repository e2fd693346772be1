-- The catalog of s3gc. Times are RFC 3339 in UTC with nanoseconds, so that their text sorts; digests are hexadecimal;
-- keys are compared byte by byte (BINARY, the default). Read it with sqlite3 as you like; write to it and s3gc may
-- delete what it should keep.

PRAGMA application_id = 1932748643; -- the bytes "s3gc"

-- One row: which catalog this is.
CREATE TABLE catalog (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    id  TEXT NOT NULL
) STRICT;

-- Who collects a location.
CREATE TABLE lease (
    location     TEXT PRIMARY KEY,
    epoch        INTEGER NOT NULL,
    run          TEXT NOT NULL,
    host         TEXT NOT NULL,
    boot_id      TEXT NOT NULL,
    pid_namespace TEXT NOT NULL,
    pid          INTEGER NOT NULL,
    pid_start    INTEGER NOT NULL,
    acquired_at  TEXT NOT NULL,
    heartbeat_at TEXT NOT NULL,
    released_at  TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE run (
    id         TEXT PRIMARY KEY,
    location   TEXT NOT NULL,
    mode       TEXT NOT NULL,
    state      TEXT NOT NULL,
    started_at TEXT NOT NULL,
    ended_at   TEXT,
    error      TEXT,
    report     TEXT -- JSON
) STRICT;
CREATE INDEX run_by_start ON run (started_at, id);
CREATE INDEX run_by_location ON run (location, started_at, id);

CREATE TABLE plan (
    hash       TEXT PRIMARY KEY,
    run        TEXT NOT NULL,
    location   TEXT NOT NULL,
    created_at TEXT NOT NULL,
    state      TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The last good census of each location: the next one is compared with it.
CREATE TABLE census (
    location     TEXT PRIMARY KEY,
    run          TEXT NOT NULL,
    completed_at TEXT NOT NULL,
    config_hash  TEXT NOT NULL,
    counts       TEXT NOT NULL -- JSON
) STRICT, WITHOUT ROWID;

-- A judgement writes a generation of clocks of its own; its commit makes it the current one of its location, in one
-- row. So nothing of it shows before, and nothing of the one before is left after.
CREATE TABLE judgement (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    location TEXT NOT NULL,
    run      TEXT NOT NULL,
    at       TEXT NOT NULL,
    state    TEXT NOT NULL CHECK (state IN ('open', 'current', 'old'))
) STRICT;
CREATE UNIQUE INDEX judgement_current ON judgement (location) WHERE state = 'current';
CREATE INDEX judgement_by_location ON judgement (location);

-- The orphans: which objects were unreferenced, and since when.
CREATE TABLE clock (
    judgement     INTEGER NOT NULL REFERENCES judgement (id),
    key           TEXT NOT NULL,
    etag          TEXT NOT NULL,
    last_modified TEXT NOT NULL,
    size_bytes    INTEGER NOT NULL,
    since         TEXT NOT NULL,
    PRIMARY KEY (judgement, key)
) STRICT, WITHOUT ROWID;

CREATE VIEW orphan AS
SELECT location, key, etag, last_modified, size_bytes, since, run AS seen_in
FROM clock JOIN judgement ON judgement.id = clock.judgement
WHERE state = 'current';

CREATE TABLE pack (
    name           TEXT PRIMARY KEY,
    vault          TEXT NOT NULL,
    run            TEXT NOT NULL,
    created_at     TEXT NOT NULL,
    size_bytes     INTEGER NOT NULL,
    blake3         TEXT NOT NULL,
    original_bytes INTEGER NOT NULL,
    objects        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What is in the packs, and what became of the objects.
CREATE TABLE entry (
    id                 INTEGER PRIMARY KEY AUTOINCREMENT,
    pack               TEXT NOT NULL REFERENCES pack (name),
    location           TEXT NOT NULL,
    key                TEXT NOT NULL,
    size_bytes         INTEGER NOT NULL,
    run                TEXT NOT NULL,
    state              TEXT NOT NULL CHECK (state IN
        ('staged', 'sent', 'deleted', 'gone', 'changed', 'rescued', 'put_back', 'restored')),
    unreferenced_since TEXT NOT NULL,
    sent_at            TEXT,
    settled_at         TEXT,
    marker             TEXT,
    restored_at        TEXT,
    entry              TEXT NOT NULL -- JSON: where the bytes are in the pack, and all metadata of the object
) STRICT;
CREATE INDEX entry_by_key ON entry (key, location);
CREATE INDEX entry_by_run ON entry (run);
CREATE INDEX entry_by_pack ON entry (pack, location);
CREATE INDEX entry_by_settling ON entry (settled_at);
CREATE INDEX entry_unsettled ON entry (location) WHERE state IN ('staged', 'sent');
-- For the totals, which so need not read the entries themselves.
CREATE INDEX entry_by_state ON entry (location, state, marker, size_bytes);

-- What a person set aside.
CREATE TABLE hold (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    location   TEXT, -- NULL: every store
    glob       TEXT NOT NULL,
    reason     TEXT NOT NULL,
    created_at TEXT NOT NULL,
    until      TEXT
) STRICT;

-- What was restored, and is held for a while.
CREATE TABLE held_key (
    location TEXT NOT NULL,
    key      TEXT NOT NULL,
    until    TEXT NOT NULL,
    PRIMARY KEY (location, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE pin (
    location TEXT NOT NULL,
    name     TEXT NOT NULL,
    value    TEXT NOT NULL,
    set_at   TEXT NOT NULL,
    PRIMARY KEY (location, name)
) STRICT, WITHOUT ROWID;

-- The audit chain: each entry carries the digest of the one before it.
CREATE TABLE audit (
    seq      INTEGER PRIMARY KEY,
    at       TEXT NOT NULL,
    run      TEXT,
    location TEXT,
    kind     TEXT NOT NULL,
    key      TEXT,
    detail   TEXT NOT NULL, -- JSON
    previous TEXT NOT NULL,
    hash     TEXT NOT NULL
) STRICT;
CREATE INDEX audit_by_run ON audit (run) WHERE run IS NOT NULL;
CREATE INDEX audit_by_key ON audit (key) WHERE key IS NOT NULL;

-- One row: the end of the chain, so that a chain that was cut short is found.
CREATE TABLE audit_head (
    one  INTEGER PRIMARY KEY CHECK (one = 1),
    seq  INTEGER NOT NULL,
    hash TEXT NOT NULL
) STRICT;
INSERT INTO audit_head (one, seq, hash)
VALUES (1, 0, '0000000000000000000000000000000000000000000000000000000000000000');

CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'an audit entry is never changed'); END;

CREATE TRIGGER audit_is_never_removed BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'an audit entry is never removed'); END;

-- Also keeps `INSERT OR REPLACE` out, which fires no DELETE trigger.
CREATE TRIGGER audit_has_no_gaps BEFORE INSERT ON audit
WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM audit)
BEGIN SELECT RAISE(ABORT, 'an audit entry follows the last one: entries are missing, see `s3gc audit verify`'); END;

CREATE TRIGGER audit_head_only_goes_on BEFORE UPDATE ON audit_head WHEN NEW.seq <= OLD.seq
BEGIN SELECT RAISE(ABORT, 'the head of the audit chain only goes on'); END;

CREATE TRIGGER audit_head_is_never_removed BEFORE DELETE ON audit_head
BEGIN SELECT RAISE(ABORT, 'the head of the audit chain is never removed'); END;
