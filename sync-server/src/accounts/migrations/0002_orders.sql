-- What people held before, orders to devices, and hand-overs of customers.

-- Role and territories of a person until they were changed.
CREATE TABLE former (
    no          INTEGER NOT NULL PRIMARY KEY,
    user        BLOB    NOT NULL REFERENCES user (id),
    at_ms       INTEGER NOT NULL,                     -- when they were changed
    role        TEXT    NOT NULL,
    territories TEXT    NOT NULL                      -- ids, a line each
) STRICT;
CREATE INDEX former_by_user ON former (user, no);

ALTER TABLE device ADD COLUMN drained_ms INTEGER NOT NULL DEFAULT 0;     -- revoked or its person disabled, and it has handed in what it had
ALTER TABLE device ADD COLUMN wipe_ms INTEGER NOT NULL DEFAULT 0;        -- it is to be wiped at first contact
ALTER TABLE device ADD COLUMN wipe_told_ms INTEGER NOT NULL DEFAULT 0;   -- it was told so

-- Customers of one person handed to another, or to the pool: one row a hand-over, with a checklist a card (JSON).
CREATE TABLE transfer (
    no       INTEGER NOT NULL PRIMARY KEY,
    at_ms    INTEGER NOT NULL,
    by       BLOB    NOT NULL,                        -- empty = at a shell
    leaver   BLOB    NOT NULL CHECK (length(leaver) = 16),
    winner   BLOB    NOT NULL,                        -- empty = nobody: all to the pool
    list     TEXT    NOT NULL
) STRICT;
