-- Photos and files. Bytes lie as chunks in the depot (a folder or a bucket), each under its own hash; here is what they belong to.

-- What is held for good: every chunk is stored, the whole was checked. Never changed.
CREATE TABLE blob (
    hash    BLOB    NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
    bytes   INTEGER NOT NULL,
    mime    TEXT    NOT NULL,             -- by its content
    kind    TEXT    NOT NULL,             -- as its device said
    role    INTEGER NOT NULL,             -- 0 original, 1 thumbnail
    chunks  BLOB    NOT NULL,             -- hashes of its chunks, joined
    held_ms INTEGER NOT NULL
) STRICT;

-- Which documents name what is held. Who may read the document may have the bytes; a row is made only for a proof of having them.
CREATE TABLE blob_name (
    doc      BLOB    NOT NULL,
    hash     BLOB    NOT NULL REFERENCES blob (hash),
    device   BLOB    NOT NULL,
    user     BLOB    NOT NULL,
    named_ms INTEGER NOT NULL,
    PRIMARY KEY (doc, hash)
) STRICT, WITHOUT ROWID;
CREATE INDEX blob_name_device ON blob_name (device);

-- What devices offer and have not wholly handed in. Each device's word stands for itself: a lie about chunks spoils nobody else's upload.
CREATE TABLE blob_offer (
    hash       BLOB    NOT NULL,
    device     BLOB    NOT NULL,
    doc        BLOB    NOT NULL,
    proof      BLOB    NOT NULL,
    bytes      INTEGER NOT NULL,
    kind       TEXT    NOT NULL,
    role       INTEGER NOT NULL,
    chunks     BLOB    NOT NULL,
    offered_ms INTEGER NOT NULL,
    PRIMARY KEY (hash, device, doc)
) STRICT, WITHOUT ROWID;
CREATE INDEX blob_offer_device ON blob_offer (device);

-- Chunks that are in the depot, durable.
CREATE TABLE blob_chunk (
    hash      BLOB    NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
    bytes     INTEGER NOT NULL,
    stored_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Bytes of chunks that a device handed in on a day (days since 1970, UTC).
CREATE TABLE blob_day (
    device BLOB    NOT NULL,
    day    INTEGER NOT NULL,
    bytes  INTEGER NOT NULL,
    PRIMARY KEY (device, day)
) STRICT, WITHOUT ROWID;

-- Photos that a device said it still had to hand in.
ALTER TABLE device ADD COLUMN photos INTEGER NOT NULL DEFAULT 0;
