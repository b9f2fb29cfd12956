-- Devices that came back after a long time, and what of the feed is theirs since: from the first exchange on until they had handed in
-- everything.

CREATE TABLE absence (
    no       INTEGER NOT NULL PRIMARY KEY,
    device   BLOB    NOT NULL CHECK (length(device) = 16),
    user     BLOB    NOT NULL CHECK (length(user) = 16),
    left_ms  INTEGER NOT NULL,                        -- the contact before
    back_ms  INTEGER NOT NULL,                        -- the first one after
    knew_no  INTEGER NOT NULL,                        -- the number up to which it knew the feed
    since_no INTEGER NOT NULL,                        -- head of the feed when it came back
    until_no INTEGER NOT NULL,                        -- head when it had handed in everything
    until_ms INTEGER NOT NULL,                        -- when; 0 = not yet
    known    INTEGER NOT NULL,                        -- changes handed in that were there already
    UNIQUE (device, left_ms)
) STRICT;
CREATE INDEX absence_open ON absence (device) WHERE until_ms = 0;
