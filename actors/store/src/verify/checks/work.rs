//! Tasks, their journal, and what was spent.

use super::Rule;

pub(super) const RULES: &[Rule] = &[
    (
        "task.state",
        "its columns do not fit its state",
        "SELECT id FROM task WHERE state NOT BETWEEN 0 AND 11 OR (state >= 6) <> (ended_at IS NOT NULL)
         OR (state = 4) <> (wait IS NOT NULL) OR (state = 1) <> (start_by IS NOT NULL)
         OR (discarded_by IS NOT NULL AND state <> 11)",
    ),
    (
        "task.run",
        "it ran without having been claimed",
        "SELECT id FROM task WHERE (state IN (3, 4, 5, 6, 7, 11) AND run < 1) OR (run > 0 AND started_at IS NULL)",
    ),
    (
        "task.inbox",
        "it came of an inbox row that does not exist, or of one of another context",
        "SELECT t.id FROM task AS t LEFT JOIN inbox AS i ON i.seq = t.seq WHERE i.ctx IS NOT t.ctx",
    ),
    (
        "task.spec",
        "what it is to do is missing",
        "SELECT id FROM task AS t WHERE NOT EXISTS (SELECT 1 FROM task_spec AS s WHERE s.place = t.place)",
    ),
    (
        "task.workspace",
        "its context is in another workspace",
        "SELECT id FROM task WHERE substr(ctx, 1, length(ws) + 4) <> 'ws/' || ws || '/'",
    ),
    (
        "task.parent",
        "it does not stand below its parent: workspace, event, root or depth, or there is no such parent",
        "SELECT t.id FROM task AS t LEFT JOIN task AS p ON p.id = t.parent
         WHERE CASE WHEN t.parent IS NULL THEN t.depth <> 0 OR t.root <> t.id
         ELSE p.ws IS NOT t.ws OR p.seq IS NOT t.seq OR p.root IS NOT t.root OR p.depth + 1 IS NOT t.depth END",
    ),
    (
        "task.recorded",
        "its record shows a revision that it never had",
        "SELECT id FROM task WHERE recorded NOT BETWEEN 0 AND rev",
    ),
    (
        "task.depends",
        "it depends on others and does not exist",
        "SELECT DISTINCT d.task FROM depends AS d WHERE NOT EXISTS (SELECT 1 FROM task AS t WHERE t.id = d.task)",
    ),
    (
        "task.post",
        "its words are for another event or context than its own",
        "SELECT 'outbox row ' || o.id FROM outbox AS o LEFT JOIN task AS t ON t.id = o.task
         WHERE o.task IS NOT NULL AND (t.ctx IS NOT o.ctx OR t.seq IS NOT o.seq)",
    ),
    (
        "task.end",
        "it has ended, and nobody was told how",
        "SELECT t.id FROM task AS t WHERE t.parent IS NULL AND t.state >= 6 AND t.state <> 10
         AND NOT EXISTS (SELECT 1 FROM outbox AS o WHERE o.task = t.id AND o.step IS NULL)",
    ),
    (
        "step.work",
        "it belongs to no turn, no task and no compaction",
        "SELECT 'step ' || s.seq || ' of ' || s.work FROM step AS s
         WHERE NOT EXISTS (SELECT 1 FROM task WHERE id = s.work) AND NOT EXISTS (SELECT 1 FROM inbox WHERE id = s.work)
         AND NOT EXISTS (SELECT 1 FROM compaction AS c WHERE c.work = s.work)",
    ),
    (
        "step.open",
        "it has not ended, and its turn, task or compaction has",
        "SELECT 'step ' || s.seq || ' of ' || s.work FROM step AS s LEFT JOIN task AS t ON t.id = s.work
         LEFT JOIN inbox AS i ON i.id = s.work LEFT JOIN compaction AS c ON c.work = s.work
         WHERE s.status = 0 AND (t.state >= 6 OR i.state = 2 OR c.ended = 1)",
    ),
    (
        "memory.work",
        "it has a compaction under way that has ended or is another's, or one has not ended and is nobody's",
        "SELECT c.work FROM compaction AS c LEFT JOIN memory AS m ON m.work = c.work AND m.ctx = c.ctx
         WHERE (c.ended = 0) <> (m.ctx IS NOT NULL)
         UNION ALL SELECT m.address FROM memory AS m WHERE m.work IS NOT NULL
         AND NOT EXISTS (SELECT 1 FROM compaction AS c WHERE c.work = m.work)",
    ),
    (
        "memory.upto",
        "more of a log is held to be in memory than there is, or one of another context",
        "SELECT m.address FROM memory AS m CROSS JOIN json_each(m.upto) AS p
         LEFT JOIN log AS l ON l.log = p.value ->> '$.log' AND l.ctx = m.ctx
         WHERE p.value ->> '$.offset' NOT BETWEEN 0 AND coalesce(l.size, -1)",
    ),
    (
        "memory.erased",
        "more erasures are held to be carried out than there were",
        "SELECT address FROM memory WHERE erased NOT BETWEEN 0 AND erasures",
    ),
    (
        "memory.words",
        "it has ended and its steps still have words",
        "SELECT c.work FROM compaction AS c JOIN step AS s ON s.work = c.work WHERE c.ended = 1 AND s.gave <> ''",
    ),
    (
        "step.status",
        "its columns do not fit its status",
        "SELECT 'step ' || seq || ' of ' || work FROM step WHERE status NOT BETWEEN 0 AND 4
         OR (status = 0) <> (ended_at IS NULL) OR (reserve IS NOT NULL AND status <> 0) OR attempt < 1",
    ),
    (
        "step.order",
        "there are gaps between its steps, or one began before the one before it had ended",
        "SELECT work FROM step GROUP BY work HAVING min(seq) <> 0 OR max(seq) + 1 <> count(*)
         OR coalesce(min(CASE status WHEN 0 THEN seq END), max(seq)) <> max(seq)",
    ),
    (
        "spending.spent",
        "it was charged another sum than all steps together",
        "SELECT 'node' WHERE (SELECT coalesce(sum(micro_usd), 0) FROM step)
         <> (SELECT coalesce(sum(micro_usd), 0) FROM spending WHERE account = 'node')",
    ),
    (
        "spending.reserved",
        "another sum is reserved on it than its calls that run have reserved",
        "SELECT account || ' on day ' || day FROM (
         SELECT day, account, reserved_micro_usd AS micro_usd, reserved_tokens AS tokens FROM spending
         UNION ALL
         SELECT day, account, -micro_usd, -tokens FROM (SELECT DISTINCT s.work, s.seq, s.reserve ->> '$.day' AS day,
         l.value ->> '$.account' AS account, s.reserve ->> '$.micro_usd' AS micro_usd, s.reserve ->> '$.tokens' AS tokens
         FROM step AS s CROSS JOIN json_each(s.reserve, '$.limits') AS l WHERE s.reserve IS NOT NULL)
         ) GROUP BY day, account HAVING sum(micro_usd) <> 0 OR sum(tokens) <> 0",
    ),
];
