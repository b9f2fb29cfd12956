-- Schema 5: a save writes fewer pages. Each of these tables is one tree less.

ALTER TABLE draft RENAME TO draft_4;
CREATE TABLE draft (
  doc BLOB NOT NULL PRIMARY KEY,
  subject BLOB NOT NULL,
  saved_ms INTEGER NOT NULL,
  body BLOB NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO draft (doc, subject, saved_ms, body)
  SELECT doc, subject, saved_ms, body FROM draft_4;
DROP TABLE draft_4;

ALTER TABLE own_change RENAME TO own_change_4;
CREATE TABLE own_change (
  change INTEGER PRIMARY KEY REFERENCES change (no) ON UPDATE CASCADE,
  recorded_no INTEGER NOT NULL,
  recorded_ms INTEGER NOT NULL,
  lane INTEGER NOT NULL,
  standing INTEGER NOT NULL,
  feed_no INTEGER NOT NULL,
  reason TEXT NOT NULL
) STRICT;
INSERT INTO own_change (change, recorded_no, recorded_ms, lane, standing, feed_no, reason)
  SELECT change, recorded_no, recorded_ms, lane, standing, feed_no, reason FROM own_change_4;
DROP TABLE own_change_4;
CREATE UNIQUE INDEX own_change_standing ON own_change (standing, recorded_no) WHERE standing <> 1;
CREATE INDEX own_change_accepted ON own_change (feed_no) WHERE standing = 1;

ALTER TABLE visit_row RENAME TO visit_row_4;
CREATE TABLE visit_row (
  doc BLOB NOT NULL PRIMARY KEY,
  subject BLOB NOT NULL,
  rep BLOB NOT NULL,
  tour BLOB NOT NULL,
  kind TEXT NOT NULL,
  outcome TEXT NOT NULL,
  day INTEGER NOT NULL,
  started_ms INTEGER NOT NULL,
  ended_ms INTEGER NOT NULL,
  place_label TEXT NOT NULL,
  counts INTEGER NOT NULL,
  possible_double INTEGER NOT NULL,
  clock_wrong INTEGER NOT NULL,
  amendments INTEGER NOT NULL,
  photos INTEGER NOT NULL,
  summary TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO visit_row (doc, subject, rep, tour, kind, outcome, day, started_ms, ended_ms, place_label, counts, possible_double,
  clock_wrong, amendments, photos, summary)
  SELECT doc, subject, rep, tour, kind, outcome, day, started_ms, ended_ms, place_label, counts, possible_double,
  clock_wrong, amendments, photos, summary FROM visit_row_4;
DROP TABLE visit_row_4;
CREATE INDEX visit_subject ON visit_row (subject, started_ms);
CREATE INDEX visit_day ON visit_row (day, rep, started_ms, ended_ms, outcome, counts, possible_double, subject);
CREATE INDEX visit_started ON visit_row (started_ms);
