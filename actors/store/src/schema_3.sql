-- Version 3: what contexts keep of their conversations. Who may write what stands in `messages::store::Write::owners`.

-- One row for each part of a conversation that went into memory, or was to: its steps are `step`'s.
CREATE TABLE compaction (
  work  TEXT PRIMARY KEY,
  ctx   TEXT NOT NULL,
  ended INTEGER NOT NULL DEFAULT 0 CHECK (ended BETWEEN 0 AND 1)
) STRICT, WITHOUT ROWID;

CREATE TABLE memory (
  address  TEXT PRIMARY KEY, -- as it is written, so that pages of addresses are in the order of addresses
  ctx      TEXT NOT NULL UNIQUE,
  rev      INTEGER NOT NULL CHECK (rev >= 1),
  upto     TEXT NOT NULL,    -- JSON: the logs' places up to where the conversation is in memory
  work     TEXT REFERENCES compaction (work),
  work_to  TEXT CHECK ((work IS NULL) = (work_to IS NULL)), -- JSON: where the compaction ends that is under way
  -- Messages that were erased, and how many of these erasures the file has seen.
  erasures INTEGER NOT NULL DEFAULT 0,
  erased   INTEGER NOT NULL DEFAULT 0 CHECK (erased BETWEEN 0 AND erasures)
) STRICT, WITHOUT ROWID;
CREATE INDEX memory_open ON memory (address) WHERE work IS NOT NULL OR erasures > erased;
