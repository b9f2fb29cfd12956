-- The schema of a replica's file as it is today, column by column. New files are made by it; a test
-- holds it equal to what the migrations arrive at. Conventions: ids are 16-byte blobs, hashes 32 bytes, moments
-- are milliseconds since 1970 (UTC), days are calendar days since 1970-01-01 in the organisation's time zone,
-- No column is nullable: what is absent has a value of its own, named in the module that reads it.

-- Documents ---------------------------------------------------------------------------------------------------------

-- zstd dictionaries by which snapshots of a kind are compressed. Never deleted while a snapshot names them.
CREATE TABLE dictionary (
  no INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  bytes BLOB NOT NULL
) STRICT;

-- One row a document. Small on purpose: digests and comparisons walk this table without touching content.
CREATE TABLE document (
  no INTEGER PRIMARY KEY,
  doc BLOB NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  subject BLOB NOT NULL,
  held INTEGER NOT NULL,            -- 1 = held; 0 = forgotten, only own changes that are not yet durable elsewhere remain
  heads BLOB NOT NULL,              -- change hashes, ascending, joined
  fingerprint INTEGER NOT NULL,     -- 64 bits, as signed
  tail_changes INTEGER NOT NULL,    -- changes stored after the snapshot
  tail_bytes INTEGER NOT NULL,      -- and their length
  snapshot_bytes INTEGER NOT NULL   -- length of the snapshot before compression; 0 = no snapshot yet
) STRICT;
CREATE INDEX document_subject ON document (subject, kind);

-- The document up to its last compaction, uncompressed form of the CRDT, then zstd.
CREATE TABLE snapshot (
  document INTEGER PRIMARY KEY REFERENCES document (no),
  dictionary INTEGER NOT NULL,      -- dictionary.no; 0 = none
  bytes BLOB NOT NULL
) STRICT;

-- Documents that are held beside those of the scopes: the digest does not count them.
CREATE TABLE apart (
  document INTEGER PRIMARY KEY REFERENCES document (no) ON DELETE CASCADE,
  why INTEGER NOT NULL,             -- 1 lent on demand, 2 leaving: kept until own changes in it are acknowledged
  since_ms INTEGER NOT NULL         -- when it was lent or last opened, by the device clock; 0 for one that is leaving
) STRICT;

-- Rows that headquarters told in place of documents, for people who see more than a phone should carry.
CREATE TABLE told_row (
  doc BLOB NOT NULL PRIMARY KEY,
  kind TEXT NOT NULL,
  subject BLOB NOT NULL,
  fingerprint INTEGER NOT NULL,     -- of the document at headquarters, as signed: the digest counts it
  bytes BLOB NOT NULL               -- see replica/told.rs; empty = another document of the subject carries the row
) STRICT;
CREATE INDEX told_row_subject ON told_row (subject, kind);

-- What the next exchange asks for by name.
CREATE TABLE wanted (
  wish BLOB NOT NULL PRIMARY KEY,   -- CBOR of exchange::pull::Wanted
  asked_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Single changes: those after the snapshot, and own ones that are kept although the snapshot holds them.
-- `no` grows in the order in which changes were applied: a change always comes after what it depends on.
CREATE TABLE change (
  no INTEGER PRIMARY KEY,
  hash BLOB NOT NULL UNIQUE,
  document INTEGER NOT NULL REFERENCES document (no),
  in_tail INTEGER NOT NULL,         -- 1 = not in the snapshot
  bytes BLOB NOT NULL
) STRICT;
CREATE INDEX change_document ON change (document, in_tail);

-- What this replica wrote itself. The outbox is the query `standing = 0`.
CREATE TABLE own_change (
  change INTEGER PRIMARY KEY REFERENCES change (no) ON UPDATE CASCADE,
  recorded_no INTEGER NOT NULL,     -- counts the saves of this replica, never goes back
  recorded_ms INTEGER NOT NULL,     -- device clock, bounded below by the clock floor
  lane INTEGER NOT NULL,            -- 0 urgent, 1 normal
  standing INTEGER NOT NULL,        -- 0 waiting, 1 accepted, 2 quarantined, 3 forked, 4 withdrawn
  feed_no INTEGER NOT NULL,         -- number in the feed; 0 = not known
  reason TEXT NOT NULL              -- why quarantined, a code; '' otherwise
) STRICT;
CREATE UNIQUE INDEX own_change_standing ON own_change (standing, recorded_no) WHERE standing <> 1;
CREATE INDEX own_change_accepted ON own_change (feed_no) WHERE standing = 1;

-- What arrived and was refused by the gate: kept with its bytes, never shown as data.
CREATE TABLE quarantine (
  hash BLOB NOT NULL PRIMARY KEY,
  doc BLOB NOT NULL,
  received_ms INTEGER NOT NULL,
  reason TEXT NOT NULL,
  bytes BLOB NOT NULL
) STRICT;

-- Hashes under trial application. A row that is found at start names the input that ended the last process.
CREATE TABLE in_flight (
  hash BLOB NOT NULL PRIMARY KEY,
  started_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The replica itself -------------------------------------------------------------------------------------------------

CREATE TABLE replica (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  recorded_no INTEGER NOT NULL,     -- last number given out
  documents INTEGER NOT NULL,       -- how many are held
  digest INTEGER NOT NULL,          -- XOR of the fingerprints of those held
  epoch BLOB NOT NULL,              -- 16 bytes; zeros = never exchanged
  number INTEGER NOT NULL,          -- everything up to this feed number was received
  checkpoint_base INTEGER NOT NULL, -- a long pull under way: from here
  checkpoint_upto INTEGER NOT NULL, -- and so far; 0, 0 = none
  durable_no INTEGER NOT NULL,      -- the server holds everything up to here in a backup
  clock_floor_ms INTEGER NOT NULL,  -- the device clock is never believed below this
  clock_offset_ms INTEGER NOT NULL, -- server minus device, last measured
  clock_measured_ms INTEGER NOT NULL -- when, in server time; 0 = never
) STRICT;

-- The long answer that has come and is not wholly opened yet, as it came.
CREATE TABLE received (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  received_ms INTEGER NOT NULL,
  bytes BLOB NOT NULL
) STRICT;

CREATE TABLE setting (
  key TEXT NOT NULL PRIMARY KEY,
  value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Who stands behind an actor.
CREATE TABLE actor (
  actor BLOB NOT NULL PRIMARY KEY,
  device BLOB NOT NULL,
  user BLOB NOT NULL,
  since_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Scopes whose documents this replica holds, and how far.
CREATE TABLE held_scope (
  scope TEXT NOT NULL PRIMARY KEY,
  number INTEGER NOT NULL,
  complete INTEGER NOT NULL         -- 0 = the first pull of this scope is still under way
) STRICT, WITHOUT ROWID;

-- Visits under way: local to the device until check-out seals them into a document.
CREATE TABLE draft (
  doc BLOB NOT NULL PRIMARY KEY,
  subject BLOB NOT NULL,
  saved_ms INTEGER NOT NULL,
  body BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Photos and files that this device took or fetched. Their bytes are encrypted files in the folder beside this file.
CREATE TABLE blob (
  no INTEGER PRIMARY KEY,
  hash BLOB NOT NULL UNIQUE,
  role INTEGER NOT NULL,            -- 0 original, 1 thumbnail
  kind TEXT NOT NULL,
  mime TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  taken_ms INTEGER NOT NULL,        -- 0 = elsewhere
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
  state INTEGER NOT NULL,           -- 0 waiting, 1 held at headquarters, 2 refused, 3 held with everything else of the document, 4 fetched
  again_ms INTEGER NOT NULL,        -- not to be offered before; 0 = at once; in states 3 and 4 when that was learned
  reason TEXT NOT NULL,             -- why refused or put off, a code; '' otherwise
  PRIMARY KEY (doc, hash)
) STRICT, WITHOUT ROWID;
CREATE INDEX blob_name_hash ON blob_name (hash);
CREATE INDEX blob_name_waiting ON blob_name (state, again_ms) WHERE state < 2;

-- Rows: the fold of the documents ------------------------------------------------------------------------------------

CREATE TABLE customer_row (
  no INTEGER PRIMARY KEY,           -- also the row number in `customer_search`
  subject BLOB NOT NULL UNIQUE,
  name TEXT NOT NULL,
  name_key TEXT NOT NULL,           -- pinyin first, then the name: the order of lists
  aliases TEXT NOT NULL,            -- other names, one a line
  addresses TEXT NOT NULL,          -- one a line, the one to show first
  people TEXT NOT NULL,             -- names of stakeholders, one a line
  territory TEXT NOT NULL,
  owner BLOB NOT NULL,              -- user; empty = nobody
  substitute BLOB NOT NULL,         -- user; empty = nobody
  grade TEXT NOT NULL,
  business_type TEXT NOT NULL,
  location_type TEXT NOT NULL,
  retail_format TEXT NOT NULL,
  channel_level TEXT NOT NULL,
  lifecycle TEXT NOT NULL,
  stage TEXT NOT NULL,
  lat_e7 INTEGER NOT NULL,          -- degrees × 10^7; NO_PLACE = not located
  lon_e7 INTEGER NOT NULL,
  opened_day INTEGER NOT NULL,
  interval_days INTEGER NOT NULL,   -- required visit interval; 0 = none asked
  grade_weight INTEGER NOT NULL,    -- permille, from the grade
  last_visit_ms INTEGER NOT NULL,   -- from visit_row; 0 = never
  due_day INTEGER NOT NULL,         -- from the last counting visit and the interval; NEVER_DAY = never
  stale_from_ms INTEGER NOT NULL,   -- from then on less than half of the card is fresh; NEVER_MS = never
  complete_percent INTEGER NOT NULL,
  review_count INTEGER NOT NULL,    -- from review_row: matters on which people disagree
  waiting_count INTEGER NOT NULL,   -- from review_row: reports waiting for verification
  updated_ms INTEGER NOT NULL,
  search_print INTEGER NOT NULL     -- hash of the words in the index; equal = the index need not be touched
) STRICT;
-- Everything lists filter and sort by, in one narrow tree: a list of 20,000 is scanned in milliseconds.
CREATE INDEX customer_list ON customer_row (
  name_key, subject, territory, owner, substitute, grade, business_type, location_type, retail_format, lifecycle, stage,
  due_day, interval_days, grade_weight, last_visit_ms, stale_from_ms, review_count, waiting_count, updated_ms, lat_e7, lon_e7
);

CREATE TABLE phone_row (
  customer INTEGER NOT NULL REFERENCES customer_row (no) ON DELETE CASCADE,
  position INTEGER NOT NULL,        -- order of display
  digits TEXT NOT NULL,
  shown TEXT NOT NULL,
  label TEXT NOT NULL,
  person TEXT NOT NULL,
  PRIMARY KEY (customer, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX phone_digits ON phone_row (digits);

CREATE TABLE visit_row (
  doc BLOB NOT NULL PRIMARY KEY,
  subject BLOB NOT NULL,
  rep BLOB NOT NULL,
  tour BLOB NOT NULL,               -- document of the tour; empty = none
  kind TEXT NOT NULL,
  outcome TEXT NOT NULL,
  day INTEGER NOT NULL,
  started_ms INTEGER NOT NULL,      -- corrected time
  ended_ms INTEGER NOT NULL,        -- 0 = not checked out
  place_label TEXT NOT NULL,        -- inside, outside, unverified …
  counts INTEGER NOT NULL,          -- 1 = satisfies the visit interval
  possible_double INTEGER NOT NULL, -- 1 = figures leave it out
  clock_wrong INTEGER NOT NULL,
  amendments INTEGER NOT NULL,
  photos INTEGER NOT NULL,          -- how many it names; which are held is no matter of documents
  summary TEXT NOT NULL
) STRICT, WITHOUT ROWID;
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
  revision INTEGER NOT NULL,        -- published plan; 0 = nothing published
  seen_revision INTEGER NOT NULL,   -- plan that the phone acknowledged
  stops INTEGER NOT NULL,           -- from tour_stop_row
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
  planned_ms INTEGER NOT NULL,      -- arrival; 0 = none
  actual_ms INTEGER NOT NULL,       -- 0 = not yet
  note TEXT NOT NULL,
  PRIMARY KEY (tour, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX tour_stop_subject ON tour_stop_row (subject, tour);

CREATE TABLE review_row (
  subject BLOB NOT NULL,
  matter TEXT NOT NULL,             -- rivals, verify, double, revival …
  field TEXT NOT NULL,
  weight INTEGER NOT NULL,          -- higher is decided first
  rivals INTEGER NOT NULL,          -- how many values stand
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
  state TEXT NOT NULL,              -- open, accepted, rejected
  proposed_ms INTEGER NOT NULL,
  decided_ms INTEGER NOT NULL,      -- 0 = open
  summary TEXT NOT NULL
) STRICT;
CREATE INDEX proposal_state ON proposal_row (state, proposed_ms);
CREATE INDEX proposal_subject ON proposal_row (subject);

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

-- Words of customers: see search/tokens.rs. Only which customer has which word is kept.
CREATE VIRTUAL TABLE customer_search USING fts5 (
  words,
  content = '', contentless_delete = 1, detail = 'none', tokenize = 'ascii'
);

-- What is handed in besides the outbox, and what headquarters tells besides documents --------------------------------

-- Own changes that were written again, with what took their place.
CREATE TABLE rewritten (
  old BLOB NOT NULL PRIMARY KEY,
  new BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Batches that other devices signed and this one carries to headquarters.
CREATE TABLE carried (
  no INTEGER PRIMARY KEY,
  digest BLOB NOT NULL UNIQUE,      -- SHA-256 of the packet
  device BLOB NOT NULL,             -- whose
  taken_ms INTEGER NOT NULL,
  delivered_ms INTEGER NOT NULL,    -- when headquarters had decided about all of it; 0 = not yet
  packet BLOB NOT NULL              -- as it came; empty once delivered
) STRICT;

-- Changes of others that headquarters lost in a restore: handed in as what this replica received.
CREATE TABLE lost (
  hash BLOB NOT NULL PRIMARY KEY,
  doc BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX lost_doc ON lost (doc);

-- Documents held when headquarters began a new life, of which it has not spoken since.
CREATE TABLE unheard (
  doc BLOB NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;

-- What somebody recorded about a customer of this person before it was theirs, and that arrived late.
CREATE TABLE notice (
  subject BLOB NOT NULL,
  author BLOB NOT NULL,
  changes INTEGER NOT NULL,
  last_no INTEGER NOT NULL,         -- number of the last of them in the feed
  received_ms INTEGER NOT NULL,     -- when that arrived, by headquarters' clock
  seen INTEGER NOT NULL,            -- 1 = the person has seen it
  PRIMARY KEY (subject, author)
) STRICT, WITHOUT ROWID;

INSERT INTO replica (one, recorded_no, documents, digest, epoch, number, checkpoint_base, checkpoint_upto, durable_no,
  clock_floor_ms, clock_offset_ms, clock_measured_ms)
VALUES (1, 0, 0, 0, zeroblob(16), 0, 0, 0, 0, 0, 0, 0);
