-- 1: a chunk of it is gone from the depot. It counts as not held, and the documents that name it have it again once somebody hands it in.
ALTER TABLE blob ADD COLUMN lost INTEGER NOT NULL DEFAULT 0;
CREATE INDEX blob_lost ON blob (hash) WHERE lost = 1;
