-- Whether `territories` is the whole reach as it was, everything below the assigned territories included. Before, only those that were
-- assigned were written down, and what lies below them was looked up in the tree as it had become.
ALTER TABLE former ADD COLUMN whole INTEGER NOT NULL DEFAULT 0;
