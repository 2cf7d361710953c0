-- Version 1. Who may write which column stands in `messages::store::Write::owner`.
--
-- Partial indexes hold only what is unfinished, so that recovery and wakes touch no settled row. A query uses one only
-- if it repeats the index's literal predicate: `state = 0` alone does not imply `state < 2` to SQLite.

CREATE TABLE meta (
  key   TEXT PRIMARY KEY,
  value ANY NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE unit (
  unit        TEXT PRIMARY KEY,
  node        TEXT NOT NULL,
  incarnation TEXT NOT NULL,
  epoch       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE inbox (
  seq         INTEGER PRIMARY KEY,
  id          TEXT NOT NULL UNIQUE,
  connector   TEXT NOT NULL,
  event       TEXT NOT NULL,
  ctx         TEXT NOT NULL,
  chat        TEXT NOT NULL,
  user        TEXT NOT NULL,
  kind        INTEGER NOT NULL CHECK (kind BETWEEN 0 AND 3), -- message, edit, delete, stop
  target      TEXT,
  text        TEXT NOT NULL,
  salt        BLOB NOT NULL,
  trace       TEXT NOT NULL,
  received_at INTEGER NOT NULL,
  state       INTEGER NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 2), -- waiting, taken, settled
  turn        TEXT CHECK (state <> 1 OR turn IS NOT NULL),
  outcome     TEXT CHECK ((state = 2) = (outcome IS NOT NULL)),
  reason      TEXT NOT NULL DEFAULT '',
  settled_at  INTEGER CHECK ((state = 2) = (settled_at IS NOT NULL)),
  redacted    INTEGER NOT NULL DEFAULT 0,
  UNIQUE (connector, event)
) STRICT;
CREATE INDEX inbox_open ON inbox (ctx, seq, state) WHERE state < 2;
CREATE INDEX inbox_control ON inbox (ctx, seq) WHERE kind <> 0 AND state = 0;

CREATE TABLE outbox (
  id           INTEGER PRIMARY KEY,
  seq          INTEGER NOT NULL REFERENCES inbox (seq),
  n            INTEGER NOT NULL,
  ctx          TEXT NOT NULL,
  connector    TEXT NOT NULL,
  chat         TEXT NOT NULL,
  text         TEXT NOT NULL,
  sources      TEXT NOT NULL,
  outcome      TEXT,
  state        INTEGER NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 4), -- pending, sending, sent, failed, in doubt
  attempt      INTEGER NOT NULL DEFAULT 0 CHECK (state NOT IN (1, 2, 4) OR attempt > 0),
  attempted_at INTEGER,
  not_before   INTEGER,
  platform_id  TEXT CHECK ((state = 2) = (platform_id IS NOT NULL)),
  error        TEXT NOT NULL DEFAULT '',
  created_at   INTEGER NOT NULL,
  ended_at     INTEGER CHECK ((state >= 2) = (ended_at IS NOT NULL)),
  logged       INTEGER NOT NULL DEFAULT 0 CHECK (logged = 0 OR state >= 2),
  redacted     INTEGER NOT NULL DEFAULT 0,
  -- The lane's address, so that pages of addresses are in the order of addresses.
  lane         TEXT NOT NULL GENERATED ALWAYS AS ('connector/' || connector || '/chat/' || chat) VIRTUAL,
  UNIQUE (seq, n)
) STRICT;
CREATE INDEX outbox_lane ON outbox (lane, id, state) WHERE state < 2;
CREATE INDEX outbox_unlogged ON outbox (ctx, id) WHERE logged = 0;
CREATE INDEX outbox_ended ON outbox (ctx, id) WHERE logged = 0 AND state >= 2;
CREATE INDEX outbox_doubt ON outbox (id) WHERE state = 4;

CREATE TABLE log (
  id         INTEGER PRIMARY KEY,
  log        TEXT NOT NULL UNIQUE,
  ctx        TEXT NOT NULL,
  size       INTEGER NOT NULL,
  synced     INTEGER NOT NULL DEFAULT 0 CHECK (synced BETWEEN 0 AND size),
  inode      INTEGER NOT NULL DEFAULT 0,
  file_bytes INTEGER NOT NULL DEFAULT 0,
  mtime_ns   INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX log_of_context ON log (ctx, id);

CREATE TABLE entry (
  log    INTEGER NOT NULL REFERENCES log (id),
  offset INTEGER NOT NULL,
  length INTEGER NOT NULL CHECK (length > 0),
  what   INTEGER NOT NULL CHECK (what BETWEEN 0 AND 1), -- inbound, outbound
  shows  INTEGER NOT NULL,                              -- inbox.seq or outbox.id
  PRIMARY KEY (log, offset)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX entry_of ON entry (shows, what);

CREATE TABLE context (
  context     TEXT PRIMARY KEY,
  rev         INTEGER NOT NULL,
  fresh_after INTEGER NOT NULL,
  definition  TEXT NOT NULL
) STRICT;

CREATE TABLE timer (
  entity TEXT NOT NULL,
  name   TEXT NOT NULL,
  due    INTEGER NOT NULL,
  PRIMARY KEY (entity, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX timer_due ON timer (due);

CREATE TABLE audit (
  seq       INTEGER PRIMARY KEY,
  at        INTEGER NOT NULL,
  actor     TEXT NOT NULL,
  principal TEXT NOT NULL,
  action    TEXT NOT NULL,
  subject   TEXT NOT NULL,
  rules     TEXT NOT NULL,
  detail    TEXT NOT NULL,
  hash      BLOB NOT NULL,
  -- The inbox row that `subject` names, if it names one: an aid to find it, no part of the record. Its index grows at
  -- one end; one over the subjects would dirty a page anywhere for each record.
  inbox     INTEGER
) STRICT;
CREATE INDEX audit_inbox ON audit (inbox) WHERE inbox IS NOT NULL;

CREATE TABLE checkpoint (
  seq       INTEGER PRIMARY KEY,
  hash      BLOB NOT NULL,
  key       BLOB NOT NULL,
  signature BLOB NOT NULL
) STRICT;

INSERT INTO meta (key, value) VALUES ('group', 0);
