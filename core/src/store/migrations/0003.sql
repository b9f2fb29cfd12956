-- Schema 3: photos and files, the rows of urgent reports.

-- Photos and files that this device took or fetched. Their bytes are encrypted files in the folder beside this file.
CREATE TABLE blob (
  no INTEGER PRIMARY KEY,
  hash BLOB NOT NULL UNIQUE,
  role INTEGER NOT NULL,            -- 0 original, 1 thumbnail
  kind TEXT NOT NULL,
  mime TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  taken_ms INTEGER NOT NULL,
  chunks BLOB NOT NULL,             -- hashes of its chunks, joined
  here INTEGER NOT NULL,            -- 1 = the whole file is in the folder
  wanted BLOB NOT NULL,             -- chunks that headquarters lacks, one bit each; empty = not asked yet
  lacking BLOB NOT NULL             -- chunks that are still to be fetched, one bit each; empty = nothing is being fetched
) STRICT;

-- Which documents name a photo of this device, and what became of it for each.
CREATE TABLE blob_name (
  doc BLOB NOT NULL,
  hash BLOB NOT NULL REFERENCES blob (hash),
  thumbnail BLOB NOT NULL,          -- hash of its thumbnail; empty = none, or it is one
  proof BLOB NOT NULL,
  state INTEGER NOT NULL,           -- 0 waiting, 1 held at headquarters, 2 refused, 3 held with everything else of the document
  again_ms INTEGER NOT NULL,        -- not to be offered before; 0 = at once
  reason TEXT NOT NULL,             -- why refused or put off, a code; '' otherwise
  PRIMARY KEY (doc, hash)
) STRICT, WITHOUT ROWID;
CREATE INDEX blob_name_hash ON blob_name (hash);
CREATE INDEX blob_name_waiting ON blob_name (state, again_ms) WHERE state < 2;

-- How many photos a visit names; which of them headquarters holds is no matter of documents.
ALTER TABLE visit_row RENAME COLUMN photos_missing TO photos;

CREATE TABLE urgent_row (
  no INTEGER PRIMARY KEY,
  doc BLOB NOT NULL UNIQUE,
  subject BLOB NOT NULL,            -- the customer, or the document itself
  author BLOB NOT NULL,
  kind TEXT NOT NULL,
  severity TEXT NOT NULL,
  state TEXT NOT NULL,              -- open, taken, closed
  reported_ms INTEGER NOT NULL,     -- corrected time
  arrived_ms INTEGER NOT NULL,      -- at headquarters; 0 = not yet
  acknowledged_ms INTEGER NOT NULL, -- 0 = nobody has
  escalated_ms INTEGER NOT NULL,    -- 0 = not
  summary TEXT NOT NULL
) STRICT;
CREATE INDEX urgent_state ON urgent_row (state, reported_ms);
CREATE INDEX urgent_subject ON urgent_row (subject);
