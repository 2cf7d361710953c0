-- Version 4. What came to nothing of questions about what is worth keeping, so that a pause outlives the actor.

ALTER TABLE memory ADD COLUMN failing TEXT; -- JSON: how often in a row, until when nothing is asked, and of what
-- Words that are to be erased, by their age or because a person is forgotten. Who may write what stands in
-- `messages::store::Write::owners`.

-- `inbox.redacted`: 1 erased, also from memory; 2 erased as past its time, memory keeps what it made of it.
-- What has ended with its words, by when it ended.
CREATE INDEX inbox_words ON inbox (settled_at, seq)
  WHERE state = 2 AND redacted = 0 AND kind <> 2 AND outcome <> 'in_doubt';

CREATE TABLE forget (
  id        INTEGER PRIMARY KEY,
  connector TEXT NOT NULL,
  user      TEXT NOT NULL,   -- taken out once it is done
  ws        TEXT NOT NULL,   -- only in this workspace; '': in all
  by        TEXT NOT NULL,
  asked_at  INTEGER NOT NULL,
  next      INTEGER NOT NULL DEFAULT 0,
  last      INTEGER NOT NULL,
  events    INTEGER NOT NULL DEFAULT 0,
  done_at   INTEGER CHECK (done_at IS NULL OR (user = '' AND next >= last))
) STRICT;
CREATE UNIQUE INDEX forget_open ON forget (connector, user, ws) WHERE done_at IS NULL;

-- Marks: contexts carry them out, as they do a delete.
CREATE TABLE erase (
  ctx    TEXT NOT NULL,
  seq    INTEGER NOT NULL REFERENCES inbox (seq),
  forget INTEGER REFERENCES forget (id), -- NULL: by its age
  memory INTEGER NOT NULL CHECK (memory BETWEEN 0 AND 1) CHECK (forget IS NULL OR memory = 1),
  PRIMARY KEY (ctx, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX erase_forget ON erase (forget);

CREATE TABLE retention (
  one         INTEGER PRIMARY KEY CHECK (one = 1),
  seen        INTEGER,
  doubted     INTEGER,
  began       INTEGER,
  ended       INTEGER,
  marked      INTEGER NOT NULL DEFAULT 0,
  marked_ever INTEGER NOT NULL DEFAULT 0,
  cut_ever    INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO retention (one) VALUES (1);
