-- Which chunks a held blob is made of: a chunk of none, which nobody offers either, is cleared away after a while.
CREATE TABLE blob_piece (
    chunk BLOB NOT NULL,
    hash  BLOB NOT NULL REFERENCES blob (hash),
    PRIMARY KEY (chunk, hash)
) STRICT, WITHOUT ROWID;

WITH RECURSIVE piece (hash, chunks, at) AS (
    SELECT hash, chunks, 1 FROM blob
    UNION ALL
    SELECT hash, chunks, at + 32 FROM piece WHERE at + 32 < length(chunks)
)
INSERT OR IGNORE INTO blob_piece (chunk, hash) SELECT substr(chunks, at, 32), hash FROM piece;

-- 1 until a blob is held that has the chunk: only these are looked at when orphans are sought.
ALTER TABLE blob_chunk ADD COLUMN loose INTEGER NOT NULL DEFAULT 1;
UPDATE blob_chunk SET loose = 0 WHERE hash IN (SELECT chunk FROM blob_piece);
CREATE INDEX blob_chunk_loose ON blob_chunk (stored_ms) WHERE loose = 1;
