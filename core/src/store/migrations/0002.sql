-- What is handed in besides the outbox, and what headquarters tells besides documents.
CREATE TABLE rewritten (
  old BLOB NOT NULL PRIMARY KEY,
  new BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE carried (
  no INTEGER PRIMARY KEY,
  digest BLOB NOT NULL UNIQUE,
  device BLOB NOT NULL,
  taken_ms INTEGER NOT NULL,
  delivered_ms INTEGER NOT NULL,
  packet BLOB NOT NULL
) STRICT;

CREATE TABLE lost (
  hash BLOB NOT NULL PRIMARY KEY,
  doc BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX lost_doc ON lost (doc);

CREATE TABLE unheard (
  doc BLOB NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;

CREATE TABLE notice (
  subject BLOB NOT NULL,
  author BLOB NOT NULL,
  changes INTEGER NOT NULL,
  last_no INTEGER NOT NULL,
  received_ms INTEGER NOT NULL,
  seen INTEGER NOT NULL,
  PRIMARY KEY (subject, author)
) STRICT, WITHOUT ROWID;
