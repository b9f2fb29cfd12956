-- Documents erased for good. Their row in `doc` and the scopes that they left stay, so that every device hears of it; the changes and
-- the quarantined bytes are gone.

CREATE TABLE erased (
    doc      BLOB    NOT NULL PRIMARY KEY REFERENCES doc (id),
    no       INTEGER NOT NULL,                        -- the number under which it was erased
    at_ms    INTEGER NOT NULL,
    by       BLOB    NOT NULL CHECK (length(by) = 16), -- who had it erased
    asked_by TEXT    NOT NULL,                        -- who asked for it, in words
    reason   TEXT    NOT NULL,
    changes  INTEGER NOT NULL                         -- how many changes were removed
) STRICT, WITHOUT ROWID;
