-- The pull side: digests kept with the scopes, and windows of bounded history.

-- Count and XOR of the fingerprints of the documents that are, at this moment, in this territory's scope ('' = any or none) and this
-- person's ('' = any or none). A device's digest is the sum over its person's territories and its person, less what both hold.
CREATE TABLE scope_group (
    territory TEXT    NOT NULL,
    person    TEXT    NOT NULL,
    kind      TEXT    NOT NULL,
    documents INTEGER NOT NULL,
    digest    INTEGER NOT NULL,                        -- 64 bits, as signed
    PRIMARY KEY (territory, person, kind)
) STRICT, WITHOUT ROWID;
CREATE INDEX scope_group_by_person ON scope_group (person);

-- Documents that a window keeps out of a scope that they would else be in. No row: no window closes it.
CREATE TABLE doc_window (
    doc       BLOB    NOT NULL PRIMARY KEY REFERENCES doc (id),
    territory INTEGER NOT NULL CHECK (territory IN (0, 1)), -- 0 = out of its territory's scope
    person    INTEGER NOT NULL CHECK (person IN (0, 1))     -- 0 = out of its person's scope
) STRICT, WITHOUT ROWID;

-- What this room did once for the whole file: 'groups' when the digests were first worked out, 'windows' with the day
-- (since 1970-01-01) for which windows were last moved on.
CREATE TABLE feed_mark (
    name  TEXT    NOT NULL PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
