-- Version 2: tasks, the journal of steps, spending. Who may write what stands in `messages::store::Write::owners`.
--
-- As in version 1, partial indexes hold only what is unfinished, and a query uses one only if it repeats the index's
-- literal predicate.

CREATE TABLE task (
  place      INTEGER PRIMARY KEY,
  id         TEXT NOT NULL UNIQUE, -- a hash of workspace and key: unique together with them
  key        TEXT NOT NULL,
  ws         TEXT NOT NULL,
  ctx        TEXT NOT NULL,
  seq        INTEGER NOT NULL REFERENCES inbox (seq),
  trace      TEXT NOT NULL,
  parent     TEXT REFERENCES task (id),
  root       TEXT NOT NULL,
  depth      INTEGER NOT NULL CHECK (depth >= 0 AND (depth = 0) = (parent IS NULL)),
  -- draft, queued, blocked, running, waiting, cancelling; from 6 on ended: succeeded, failed, cancelled, expired,
  -- rejected, dead
  state      INTEGER NOT NULL CHECK (state BETWEEN 0 AND 11),
  -- approval, input, timer, quota, child, in doubt
  wait       INTEGER CHECK (wait BETWEEN 0 AND 5) CHECK ((state = 4) = (wait IS NOT NULL)),
  priority   INTEGER NOT NULL CHECK (priority BETWEEN 0 AND 3),
  rev        INTEGER NOT NULL CHECK (rev >= 1),
  run        INTEGER NOT NULL DEFAULT 0 CHECK (state NOT IN (3, 4, 5) OR run > 0),
  epoch      INTEGER NOT NULL DEFAULT 0,
  failures   INTEGER NOT NULL DEFAULT 0,
  lost       INTEGER NOT NULL DEFAULT 0,
  budget     TEXT NOT NULL,
  start_ms   INTEGER NOT NULL,     -- how long it may wait for a slot
  start_by   INTEGER CHECK ((state = 1) = (start_by IS NOT NULL)),
  not_before INTEGER,
  created_at INTEGER NOT NULL,
  moved_at   INTEGER NOT NULL,
  started_at INTEGER CHECK (run = 0 OR started_at IS NOT NULL),
  deadline   INTEGER NOT NULL,
  ended_at   INTEGER CHECK ((state >= 6) = (ended_at IS NOT NULL)),
  discarded_by TEXT CHECK (discarded_by IS NULL OR state = 11),
  recorded   INTEGER NOT NULL DEFAULT 0 CHECK (recorded BETWEEN 0 AND rev),
  title      TEXT NOT NULL,
  reason     TEXT NOT NULL DEFAULT '',
  result     TEXT NOT NULL DEFAULT '',
  -- Addresses as they are written, so that pages of addresses are in the order of addresses.
  address    TEXT NOT NULL GENERATED ALWAYS AS ('ws/' || ws || '/task/' || id) VIRTUAL,
  keeper     TEXT NOT NULL GENERATED ALWAYS AS ('ws/' || ws || '/workspace') VIRTUAL
) STRICT;
CREATE INDEX task_of_workspace ON task (ws, place);
CREATE INDEX task_of_context ON task (ctx, place);
CREATE INDEX task_of_inbox ON task (seq, place);
CREATE INDEX task_of_root ON task (root, place) WHERE parent IS NOT NULL;
CREATE INDEX task_of_parent ON task (parent, place, state) WHERE parent IS NOT NULL;
CREATE INDEX task_shown ON task (ws, place, state, wait, discarded_by)
  WHERE state < 6 OR (state = 11 AND discarded_by IS NULL);
CREATE INDEX task_slot ON task (address) WHERE state IN (3, 5);
CREATE INDEX task_queue ON task (keeper, ctx, priority, moved_at, place, not_before) WHERE state = 1;
CREATE INDEX task_start_by ON task (keeper, start_by) WHERE state = 1;
CREATE INDEX task_not_before ON task (keeper, not_before) WHERE state = 1 AND not_before IS NOT NULL;
CREATE INDEX task_unrecorded ON task (keeper, place) WHERE recorded < rev;
CREATE INDEX task_blocked ON task (address) WHERE state = 2;
CREATE INDEX task_waits_child ON task (address) WHERE wait = 4;
CREATE INDEX task_sub_open ON task (address) WHERE parent IS NOT NULL AND state < 6;

-- Apart from the rest, which is written again with every change of a task.
CREATE TABLE task_spec (
  place INTEGER PRIMARY KEY REFERENCES task (place),
  spec  TEXT NOT NULL              -- JSON, the title included
) STRICT;

CREATE TABLE depends (
  task  TEXT NOT NULL REFERENCES task (id),
  needs TEXT NOT NULL,             -- may name a task that does not exist
  PRIMARY KEY (task, needs)
) STRICT, WITHOUT ROWID;
CREATE INDEX depends_needs ON depends (needs, task);

-- The long texts stand last: what is summed is read without them.
CREATE TABLE step (
  work       TEXT NOT NULL,        -- an inbound id or a task's id
  seq        INTEGER NOT NULL CHECK (seq >= 0),
  kind       INTEGER NOT NULL CHECK (kind BETWEEN 0 AND 2),   -- model, tool, children
  status     INTEGER NOT NULL CHECK (status BETWEEN 0 AND 4), -- started, done, failed, refused, unknown
  attempt    INTEGER NOT NULL CHECK (attempt >= 1),
  input      INTEGER NOT NULL DEFAULT 0,
  output     INTEGER NOT NULL DEFAULT 0,
  cached     INTEGER NOT NULL DEFAULT 0,
  reasoning  INTEGER NOT NULL DEFAULT 0,
  micro_usd  INTEGER NOT NULL DEFAULT 0,
  started_at INTEGER NOT NULL,
  ended_at   INTEGER CHECK ((status = 0) = (ended_at IS NULL)),
  model      TEXT NOT NULL DEFAULT '',
  reserve    TEXT CHECK (reserve IS NULL OR status = 0),
  what       TEXT NOT NULL,
  gave       TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (work, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE spending (
  day       INTEGER NOT NULL,
  account   TEXT NOT NULL,
  micro_usd INTEGER NOT NULL DEFAULT 0,
  input     INTEGER NOT NULL DEFAULT 0,
  output    INTEGER NOT NULL DEFAULT 0,
  cached    INTEGER NOT NULL DEFAULT 0,
  reasoning INTEGER NOT NULL DEFAULT 0,
  calls     INTEGER NOT NULL DEFAULT 0,
  reserved_micro_usd INTEGER NOT NULL DEFAULT 0 CHECK (reserved_micro_usd >= 0),
  reserved_tokens    INTEGER NOT NULL DEFAULT 0 CHECK (reserved_tokens >= 0),
  PRIMARY KEY (day, account)
) STRICT, WITHOUT ROWID;
CREATE INDEX spending_account ON spending (account, day);

-- Words of a task: which, and which step they came of; no step: how it ended.
ALTER TABLE outbox ADD COLUMN task TEXT;
ALTER TABLE outbox ADD COLUMN step INTEGER;
CREATE UNIQUE INDEX outbox_task ON outbox (task, coalesce(step, -1)) WHERE task IS NOT NULL;
