-- The scratch file. Nothing in it is promised to anybody.

CREATE TABLE nonce (
    device BLOB    NOT NULL,
    nonce  BLOB    NOT NULL CHECK (length(nonce) = 16),
    at_ms  INTEGER NOT NULL,
    PRIMARY KEY (device, nonce)
) STRICT, WITHOUT ROWID;
CREATE INDEX nonce_by_time ON nonce (at_ms);

-- Changes that were being tried when a process died.
CREATE TABLE suspect (hash BLOB NOT NULL PRIMARY KEY) STRICT, WITHOUT ROWID;
