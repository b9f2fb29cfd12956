-- Who had a subject before, what was taken in late because of it, and what people decided about the quarantine.

-- Where a subject was filed before it was filed elsewhere.
CREATE TABLE handover (
    subject   BLOB    NOT NULL CHECK (length(subject) = 16),
    no        INTEGER NOT NULL,                        -- the number under which it was filed elsewhere
    at_ms     INTEGER NOT NULL,
    territory TEXT    NOT NULL,                        -- '' = none
    owner     BLOB    NOT NULL,                        -- empty = none
    PRIMARY KEY (subject, no)
) STRICT, WITHOUT ROWID;

-- Entries whose author had lost the right when they arrived, and had it when they were made.
CREATE TABLE late (
    no      INTEGER NOT NULL PRIMARY KEY REFERENCES feed (no),
    subject BLOB    NOT NULL CHECK (length(subject) = 16),
    lost_ms INTEGER NOT NULL                           -- when the right was lost
) STRICT;
CREATE INDEX late_by_subject ON late (subject, no);

-- Devices that hand in a long outbox: what they knew when they began.
CREATE TABLE draining (
    device   BLOB    NOT NULL PRIMARY KEY CHECK (length(device) = 16),
    known_no INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Lives of the numbers that began after a restore.
CREATE TABLE renewal (
    no    INTEGER NOT NULL PRIMARY KEY,
    epoch BLOB    NOT NULL CHECK (length(epoch) = 16),
    at_ms INTEGER NOT NULL
) STRICT;

ALTER TABLE quarantine ADD COLUMN state TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'approved', 'rewritten', 'rejected', 'resent'));
ALTER TABLE quarantine ADD COLUMN decided_no INTEGER NOT NULL DEFAULT 0; -- one row of numbers for all decisions; 0 = open
ALTER TABLE quarantine ADD COLUMN decided_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE quarantine ADD COLUMN decided_by BLOB NOT NULL DEFAULT x'';
ALTER TABLE quarantine ADD COLUMN remark TEXT NOT NULL DEFAULT '';
CREATE INDEX quarantine_by_decision ON quarantine (device, decided_no);
CREATE INDEX quarantine_by_state ON quarantine (state, id);
