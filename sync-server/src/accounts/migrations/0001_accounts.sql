-- Accounts: who may come in, from which device, and what they have done.
-- Ids are 16 bytes. Times are milliseconds since 1970; 0 means "has not happened".

CREATE TABLE organisation (
    id         INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    name       TEXT    NOT NULL,
    created_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE user (
    id          BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    login       TEXT    NOT NULL UNIQUE,          -- normalised: lower case, NFKC, trimmed
    name        TEXT    NOT NULL,
    role        TEXT    NOT NULL CHECK (role IN ('salesperson', 'dispatcher', 'supervisor', 'manager', 'finance', 'admin')),
    password    TEXT    NOT NULL,                 -- PHC string (argon2id); '' = cannot log in to the console
    created_ms  INTEGER NOT NULL,
    disabled_ms INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE territory (
    id     TEXT NOT NULL PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 64),
    parent TEXT REFERENCES territory (id),        -- NULL = a root: the one column that may be empty
    name   TEXT NOT NULL
) STRICT;
CREATE INDEX territory_by_parent ON territory (parent);

-- Which territories a person works in or answers for. Everything below them is included.
CREATE TABLE assignment (
    user      BLOB NOT NULL REFERENCES user (id),
    territory TEXT NOT NULL REFERENCES territory (id),
    PRIMARY KEY (user, territory)
) STRICT, WITHOUT ROWID;
CREATE INDEX assignment_by_territory ON assignment (territory);

CREATE TABLE device (
    id          BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    user        BLOB    NOT NULL REFERENCES user (id),
    key         BLOB    NOT NULL UNIQUE,          -- P-256 public key, SEC1
    name        TEXT    NOT NULL,
    enrolled_ms INTEGER NOT NULL,
    revoked_ms  INTEGER NOT NULL DEFAULT 0,
    seen_ms     INTEGER NOT NULL DEFAULT 0,       -- last signed request
    synced_ms   INTEGER NOT NULL DEFAULT 0,       -- last exchange that ended at rest
    cursor_no   INTEGER NOT NULL DEFAULT 0,       -- the feed number it said it holds
    offset_ms   INTEGER NOT NULL DEFAULT 0,       -- server time minus its own clock, as last measured
    waiting     INTEGER NOT NULL DEFAULT 0        -- changes that it said it still had to hand in
) STRICT;
CREATE INDEX device_by_user ON device (user);

CREATE TABLE enrolment (
    code        BLOB    NOT NULL PRIMARY KEY CHECK (length(code) = 32), -- SHA-256 of the code, never the code
    user        BLOB    NOT NULL REFERENCES user (id),
    issued_ms   INTEGER NOT NULL,
    expires_ms  INTEGER NOT NULL,
    device      BLOB    NOT NULL DEFAULT x''      -- the device that used it; empty = not used
) STRICT;

CREATE TABLE session (
    token      BLOB    NOT NULL PRIMARY KEY CHECK (length(token) = 32), -- SHA-256 of the token, never the token
    user       BLOB    NOT NULL REFERENCES user (id),
    created_ms INTEGER NOT NULL,
    used_ms    INTEGER NOT NULL,
    address    TEXT    NOT NULL
) STRICT;
CREATE INDEX session_by_user ON session (user);

-- What was done, by whom, from where. Each row holds the hash of the one before, so that a row taken out or changed
-- later shows. Format of the hashed bytes: accounts/audit.rs.
CREATE TABLE audit (
    no      INTEGER NOT NULL PRIMARY KEY,
    at_ms   INTEGER NOT NULL,
    user    BLOB    NOT NULL,                     -- empty = nobody known
    device  BLOB    NOT NULL,                     -- empty = not a device
    address TEXT    NOT NULL,
    act     TEXT    NOT NULL,
    about   TEXT    NOT NULL,
    hash    BLOB    NOT NULL CHECK (length(hash) = 32)
) STRICT;
CREATE TRIGGER audit_is_append_only_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END;
CREATE TRIGGER audit_is_append_only_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END;
