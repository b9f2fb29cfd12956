-- The feed: every admitted change, numbered; where its document is filed and who may see it.
-- `no` is one sequence for all tables below: entries, scope moves and grants draw from the same counter.

CREATE TABLE feed_state (
    id    INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    epoch BLOB    NOT NULL CHECK (length(epoch) = 16), -- new after any restore or loss
    head  INTEGER NOT NULL                             -- the last number given out
) STRICT;

CREATE TABLE feed (
    no          INTEGER NOT NULL PRIMARY KEY,
    doc         BLOB    NOT NULL REFERENCES doc (id),
    hash        BLOB    NOT NULL CHECK (length(hash) = 32),
    author      BLOB    NOT NULL CHECK (length(author) = 16),
    device      BLOB    NOT NULL,                      -- empty: headquarters itself
    received_ms INTEGER NOT NULL,
    bytes       BLOB    NOT NULL,
    UNIQUE (doc, hash)
) STRICT;
CREATE INDEX feed_by_doc ON feed (doc, no);

CREATE TABLE doc (
    id           BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    kind         TEXT    NOT NULL,
    subject      BLOB    NOT NULL CHECK (length(subject) = 16),
    owner        BLOB    NOT NULL,                     -- author of an event, rep of a tour; empty: the owner of the subject
    in_territory INTEGER NOT NULL CHECK (in_territory IN (0, 1)), -- visible to the territory of its subject
    heads        BLOB    NOT NULL,                     -- hashes of the changes that nothing follows, 32 bytes each, sorted
    first_no     INTEGER NOT NULL,
    last_no      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX doc_by_subject ON doc (subject);

-- Where a subject is filed: decided by headquarters, never by a document.
CREATE TABLE filing (
    subject   BLOB    NOT NULL PRIMARY KEY CHECK (length(subject) = 16),
    territory TEXT    NOT NULL,                        -- '' = none
    owner     BLOB    NOT NULL,                        -- empty = none
    no        INTEGER NOT NULL                         -- when it was last filed
) STRICT, WITHOUT ROWID;
CREATE INDEX filing_by_territory ON filing (territory);

CREATE TABLE doc_scope (
    doc        BLOB    NOT NULL REFERENCES doc (id),
    scope      TEXT    NOT NULL,
    entered_no INTEGER NOT NULL,                       -- when the document last came into the scope
    last_no    INTEGER NOT NULL,                       -- its last entry, or its coming in when that was later
    left_no    INTEGER NOT NULL,                       -- when it left; 0 = it is there
    PRIMARY KEY (doc, scope)
) STRICT, WITHOUT ROWID;
CREATE INDEX doc_scope_present ON doc_scope (scope, last_no) WHERE left_no = 0;
CREATE INDEX doc_scope_left ON doc_scope (scope, left_no) WHERE left_no > 0;

-- Which scopes a person's devices have been given, since when, and until when.
CREATE TABLE scope_grant (
    user       BLOB    NOT NULL CHECK (length(user) = 16),
    scope      TEXT    NOT NULL,
    role       TEXT    NOT NULL,                       -- another role sees other kinds: it is granted anew
    granted_no INTEGER NOT NULL,
    revoked_no INTEGER NOT NULL,                       -- 0 = it holds
    PRIMARY KEY (user, scope)
) STRICT, WITHOUT ROWID;

-- An actor id belongs to the device that first used it, and to the document that it was first used in, for good: so a
-- change's hash, which covers its actor, names one change in one document.
CREATE TABLE actor (
    id       BLOB    NOT NULL PRIMARY KEY,
    device   BLOB    NOT NULL,                         -- empty: headquarters itself
    doc      BLOB    NOT NULL CHECK (length(doc) = 16),
    bound_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Changes that were not admitted, with their bytes: kept until a person has decided.
CREATE TABLE quarantine (
    id          INTEGER NOT NULL PRIMARY KEY,
    doc         BLOB    NOT NULL,
    kind        TEXT    NOT NULL,
    subject     BLOB    NOT NULL,
    hash        BLOB    NOT NULL,
    device      BLOB    NOT NULL,
    user        BLOB    NOT NULL,
    code        TEXT    NOT NULL,
    why         TEXT    NOT NULL,
    received_ms INTEGER NOT NULL,
    bytes       BLOB    NOT NULL,
    UNIQUE (doc, hash, device)
) STRICT;
