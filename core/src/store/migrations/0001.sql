CREATE TABLE dictionary (
  no INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  bytes BLOB NOT NULL
) STRICT;
CREATE TABLE document (
  no INTEGER PRIMARY KEY,
  doc BLOB NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  subject BLOB NOT NULL,
  held INTEGER NOT NULL,
  heads BLOB NOT NULL,
  fingerprint INTEGER NOT NULL,
  tail_changes INTEGER NOT NULL,
  tail_bytes INTEGER NOT NULL,
  snapshot_bytes INTEGER NOT NULL
) STRICT;
CREATE INDEX document_subject ON document (subject, kind);
CREATE TABLE snapshot (
  document INTEGER PRIMARY KEY REFERENCES document (no),
  dictionary INTEGER NOT NULL,
  bytes BLOB NOT NULL
) STRICT;
CREATE TABLE change (
  no INTEGER PRIMARY KEY,
  hash BLOB NOT NULL UNIQUE,
  document INTEGER NOT NULL REFERENCES document (no),
  in_tail INTEGER NOT NULL,
  bytes BLOB NOT NULL
) STRICT;
CREATE INDEX change_document ON change (document, in_tail);
CREATE TABLE own_change (
  change INTEGER PRIMARY KEY REFERENCES change (no) ON UPDATE CASCADE,
  recorded_no INTEGER NOT NULL UNIQUE,
  recorded_ms INTEGER NOT NULL,
  lane INTEGER NOT NULL,
  standing INTEGER NOT NULL,
  feed_no INTEGER NOT NULL,
  reason TEXT NOT NULL
) STRICT;
CREATE INDEX own_change_standing ON own_change (standing, recorded_no) WHERE standing <> 1;
CREATE INDEX own_change_accepted ON own_change (feed_no) WHERE standing = 1;
CREATE TABLE quarantine (
  hash BLOB NOT NULL PRIMARY KEY,
  doc BLOB NOT NULL,
  received_ms INTEGER NOT NULL,
  reason TEXT NOT NULL,
  bytes BLOB NOT NULL
) STRICT;
CREATE TABLE in_flight (
  hash BLOB NOT NULL PRIMARY KEY,
  started_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE replica (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  recorded_no INTEGER NOT NULL,
  documents INTEGER NOT NULL,
  digest INTEGER NOT NULL,
  epoch BLOB NOT NULL,
  number INTEGER NOT NULL,
  checkpoint_base INTEGER NOT NULL,
  checkpoint_upto INTEGER NOT NULL,
  durable_no INTEGER NOT NULL,
  clock_floor_ms INTEGER NOT NULL,
  clock_offset_ms INTEGER NOT NULL,
  clock_measured_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE setting (
  key TEXT NOT NULL PRIMARY KEY,
  value BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE actor (
  actor BLOB NOT NULL PRIMARY KEY,
  device BLOB NOT NULL,
  user BLOB NOT NULL,
  since_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE held_scope (
  scope TEXT NOT NULL PRIMARY KEY,
  number INTEGER NOT NULL,
  complete INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE draft (
  doc BLOB NOT NULL PRIMARY KEY,
  subject BLOB NOT NULL,
  saved_ms INTEGER NOT NULL,
  body BLOB NOT NULL
) STRICT;
CREATE TABLE customer_row (
  no INTEGER PRIMARY KEY,
  subject BLOB NOT NULL UNIQUE,
  name TEXT NOT NULL,
  name_key TEXT NOT NULL,
  aliases TEXT NOT NULL,
  addresses TEXT NOT NULL,
  people TEXT NOT NULL,
  territory TEXT NOT NULL,
  owner BLOB NOT NULL,
  substitute BLOB NOT NULL,
  grade TEXT NOT NULL,
  business_type TEXT NOT NULL,
  location_type TEXT NOT NULL,
  retail_format TEXT NOT NULL,
  channel_level TEXT NOT NULL,
  lifecycle TEXT NOT NULL,
  stage TEXT NOT NULL,
  lat_e7 INTEGER NOT NULL,
  lon_e7 INTEGER NOT NULL,
  opened_day INTEGER NOT NULL,
  interval_days INTEGER NOT NULL,
  grade_weight INTEGER NOT NULL,
  last_visit_ms INTEGER NOT NULL,
  due_day INTEGER NOT NULL,
  stale_from_ms INTEGER NOT NULL,
  complete_percent INTEGER NOT NULL,
  review_count INTEGER NOT NULL,
  waiting_count INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL,
  search_print INTEGER NOT NULL
) STRICT;
CREATE INDEX customer_list ON customer_row (
  name_key, subject, territory, owner, substitute, grade, business_type, location_type, retail_format, lifecycle, stage,
  due_day, interval_days, grade_weight, last_visit_ms, stale_from_ms, review_count, waiting_count, updated_ms, lat_e7, lon_e7
);
CREATE TABLE phone_row (
  customer INTEGER NOT NULL REFERENCES customer_row (no) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  digits TEXT NOT NULL,
  shown TEXT NOT NULL,
  label TEXT NOT NULL,
  person TEXT NOT NULL,
  PRIMARY KEY (customer, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX phone_digits ON phone_row (digits);
CREATE TABLE visit_row (
  no INTEGER PRIMARY KEY,
  doc BLOB NOT NULL UNIQUE,
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
  photos_missing INTEGER NOT NULL,
  summary TEXT NOT NULL
) STRICT;
CREATE INDEX visit_subject ON visit_row (subject, started_ms);
CREATE INDEX visit_day ON visit_row (day, rep, started_ms, ended_ms, outcome, counts, possible_double, subject);
CREATE INDEX visit_started ON visit_row (started_ms);
CREATE TABLE tour_row (
  no INTEGER PRIMARY KEY,
  doc BLOB NOT NULL UNIQUE,
  route TEXT NOT NULL,
  day INTEGER NOT NULL,
  rep BLOB NOT NULL,
  title TEXT NOT NULL,
  state TEXT NOT NULL,
  revision INTEGER NOT NULL,
  seen_revision INTEGER NOT NULL,
  stops INTEGER NOT NULL,
  done INTEGER NOT NULL,
  planned_minutes INTEGER NOT NULL,
  planned_m INTEGER NOT NULL
) STRICT;
CREATE INDEX tour_day ON tour_row (day, rep);
CREATE TABLE tour_stop_row (
  tour INTEGER NOT NULL REFERENCES tour_row (no) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  stop TEXT NOT NULL,
  subject BLOB NOT NULL,
  kind TEXT NOT NULL,
  state TEXT NOT NULL,
  done INTEGER NOT NULL,
  planned_ms INTEGER NOT NULL,
  actual_ms INTEGER NOT NULL,
  note TEXT NOT NULL,
  PRIMARY KEY (tour, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX tour_stop_subject ON tour_stop_row (subject, tour);
CREATE TABLE review_row (
  subject BLOB NOT NULL,
  matter TEXT NOT NULL,
  field TEXT NOT NULL,
  weight INTEGER NOT NULL,
  rivals INTEGER NOT NULL,
  since_ms INTEGER NOT NULL,
  PRIMARY KEY (subject, matter, field)
) STRICT, WITHOUT ROWID;
CREATE INDEX review_order ON review_row (weight, since_ms);
CREATE TABLE proposal_row (
  no INTEGER PRIMARY KEY,
  doc BLOB NOT NULL UNIQUE,
  subject BLOB NOT NULL,
  author BLOB NOT NULL,
  field TEXT NOT NULL,
  state TEXT NOT NULL,
  proposed_ms INTEGER NOT NULL,
  decided_ms INTEGER NOT NULL,
  summary TEXT NOT NULL
) STRICT;
CREATE INDEX proposal_state ON proposal_row (state, proposed_ms);
CREATE INDEX proposal_subject ON proposal_row (subject);
CREATE VIRTUAL TABLE customer_search USING fts5 (
  words,
  content = '', contentless_delete = 1, detail = 'none', tokenize = 'ascii'
);

INSERT INTO replica (one, recorded_no, documents, digest, epoch, number, checkpoint_base, checkpoint_upto, durable_no,
  clock_floor_ms, clock_offset_ms, clock_measured_ms)
VALUES (1, 0, 0, 0, zeroblob(16), 0, 0, 0, 0, 0, 0, 0);
