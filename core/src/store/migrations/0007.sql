-- Schema 7: a long answer is kept before it is opened. It is here whatever happens while it is opened, and need not come again.

CREATE TABLE received (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  received_ms INTEGER NOT NULL,
  bytes BLOB NOT NULL
) STRICT;
