/** What each run of a hand has used. A run without a task is the trial of a ship. */
const RUNS = `CREATE TABLE IF NOT EXISTS runs(
  run TEXT PRIMARY KEY, session TEXT NOT NULL, task TEXT, life INTEGER NOT NULL, at TEXT NOT NULL, cost_usd REAL NOT NULL,
  input INTEGER NOT NULL, output INTEGER NOT NULL, cache_read INTEGER NOT NULL, cache_creation INTEGER NOT NULL, turns INTEGER NOT NULL,
  seconds REAL NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS runs_of_task ON runs(task);
CREATE INDEX IF NOT EXISTS runs_of_life ON runs(life);`;

/**
 * What brings a ledger of an earlier helm up to date. `column` tells such a ledger. Each runs in a transaction, before
 * {@link SCHEMA}.
 */
export const MIGRATIONS: { table: string; column: string; sql: string }[] = [
  {
    // In earlier ledgers a run told the cost of its whole session so far, and always had a task.
    table: "runs",
    column: "session_cost_usd",
    sql: `
ALTER TABLE runs RENAME TO earlier_runs;
DROP INDEX IF EXISTS runs_of_task;
${RUNS}
INSERT INTO runs SELECT run, session, task, life, at, max(0, session_cost_usd - coalesce(max(session_cost_usd) OVER before, 0)),
  input, output, cache_read, cache_creation, turns, seconds
FROM earlier_runs WINDOW before AS (PARTITION BY session ORDER BY at, rowid ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING);
DROP TABLE earlier_runs;`,
  },
];

/**
 * The tables of the ledger. A *life* is one registration of an incarnation. Fencing ends a life for good; the same VM,
 * registered again, gets a new life and a new token, so that whatever still runs under the old one stays out.
 */
export const SCHEMA = `
CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

CREATE TABLE IF NOT EXISTS tasks(
  id TEXT PRIMARY KEY,
  position INTEGER NOT NULL,
  -- How many tasks the longest chain has that waits for this one, itself among them.
  height INTEGER NOT NULL,
  -- The task as JSON: as the newest plan has it, and as it was at its last grant.
  planned TEXT NOT NULL,
  body TEXT NOT NULL,
  -- Whether the task is still wanted: by the newest plan, or as a follow-up.
  in_plan INTEGER NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('pending','claimed','accepted','blocked','cancelled')),
  ship TEXT,
  life INTEGER,
  epoch INTEGER NOT NULL DEFAULT 0,
  tries INTEGER NOT NULL DEFAULT 0,
  grant_tip TEXT,
  ship_commit TEXT,
  commit_id TEXT,
  summary TEXT,
  reason TEXT,
  changed_at TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS tasks_free ON tasks(status, height DESC, position);
CREATE UNIQUE INDEX IF NOT EXISTS one_claim_a_life ON tasks(life) WHERE status = 'claimed';

CREATE TABLE IF NOT EXISTS blockers(task TEXT NOT NULL, blocker TEXT NOT NULL, PRIMARY KEY (task, blocker)) STRICT, WITHOUT ROWID;

-- The tasks that were added beside the plan, which have a row in tasks like others. A plan changes nothing of them.
CREATE TABLE IF NOT EXISTS follow_ups(task TEXT PRIMARY KEY, signature TEXT UNIQUE, urgent INTEGER NOT NULL, added_at TEXT NOT NULL) STRICT;

CREATE TABLE IF NOT EXISTS lives(
  life INTEGER PRIMARY KEY AUTOINCREMENT,
  ship TEXT NOT NULL,
  incarnation TEXT NOT NULL,
  fenced INTEGER NOT NULL DEFAULT 0,
  reason TEXT,
  hello_at TEXT,
  -- Has said hello since its newest token was minted.
  greeted INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE IF NOT EXISTS ships(ship TEXT PRIMARY KEY, life INTEGER NOT NULL, stopping INTEGER NOT NULL DEFAULT 0) STRICT;
-- The faults of a life in a row; anew: it was unfit by them before its newest launch.
CREATE TABLE IF NOT EXISTS faults(life INTEGER PRIMARY KEY, count INTEGER NOT NULL, reason TEXT NOT NULL, anew INTEGER NOT NULL DEFAULT 0) STRICT;
-- How often in a row a task was lost with its ship.
CREATE TABLE IF NOT EXISTS losses(task TEXT PRIMARY KEY, count INTEGER NOT NULL) STRICT;
-- The sha256 of each token; the token itself is nowhere.
CREATE TABLE IF NOT EXISTS tokens(id INTEGER PRIMARY KEY AUTOINCREMENT, hash TEXT NOT NULL UNIQUE, life INTEGER NOT NULL) STRICT;

CREATE TABLE IF NOT EXISTS replies(
  id INTEGER PRIMARY KEY AUTOINCREMENT, life INTEGER NOT NULL, request TEXT NOT NULL, body TEXT NOT NULL, UNIQUE (life, request)
) STRICT;

-- Accepts of which the branch is about to move; a helm that died meanwhile finishes or drops them.
CREATE TABLE IF NOT EXISTS intents(
  task TEXT PRIMARY KEY, epoch INTEGER NOT NULL, life INTEGER NOT NULL, request TEXT NOT NULL,
  from_tip TEXT NOT NULL, to_commit TEXT NOT NULL, ship_commit TEXT NOT NULL, summary TEXT NOT NULL
) STRICT;

-- Of the commit with which a task is accepted: what it changes outside of the task's touches, as JSON, and how long the
-- claim had lasted by then. A row of another commit is of one that did not come onto the branch.
CREATE TABLE IF NOT EXISTS deliveries(task TEXT PRIMARY KEY, commit_id TEXT NOT NULL, outside TEXT, seconds REAL) STRICT;

CREATE TABLE IF NOT EXISTS verifications(
  epoch INTEGER PRIMARY KEY AUTOINCREMENT, commit_id TEXT NOT NULL, script TEXT NOT NULL, life INTEGER NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('claimed','done','dropped')), exit_code INTEGER, output TEXT, at TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS one_verification ON verifications(status) WHERE status = 'claimed';

-- Runs of verify.sh that the captain has asked for (helm/ledger/probes.ts). later: the ships that come last, as JSON;
-- lost: to how many ships it was given in vain; since: from when on it waits.
CREATE TABLE IF NOT EXISTS probes(
  epoch INTEGER PRIMARY KEY, commit_id TEXT NOT NULL, script TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('waiting','claimed','done','cancelled')), later TEXT NOT NULL, life INTEGER, ship TEXT,
  lost INTEGER NOT NULL DEFAULT 0, exit_code INTEGER, output TEXT, reason TEXT, since TEXT NOT NULL, at TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS probes_by_status ON probes(status, at);
CREATE UNIQUE INDEX IF NOT EXISTS one_probe_a_life ON probes(life) WHERE status = 'claimed';

-- The sessions of hands, and below what each run of one has used.
CREATE TABLE IF NOT EXISTS sessions(
  task TEXT NOT NULL, epoch INTEGER NOT NULL, session TEXT NOT NULL, life INTEGER NOT NULL, at TEXT NOT NULL,
  PRIMARY KEY (task, epoch, session)
) STRICT;
${RUNS}
-- What a run has used of each model, and where its cost is known from, as far as its ship has told that.
CREATE TABLE IF NOT EXISTS run_models(
  run TEXT NOT NULL, model TEXT NOT NULL, basis TEXT NOT NULL, cost_usd REAL NOT NULL,
  input INTEGER NOT NULL, output INTEGER NOT NULL, cache_read INTEGER NOT NULL, cache_creation INTEGER NOT NULL,
  PRIMARY KEY (run, model)
) STRICT, WITHOUT ROWID;
-- What agents ask the captain, and the answers.
CREATE TABLE IF NOT EXISTS questions(
  task TEXT NOT NULL, epoch INTEGER NOT NULL, ship TEXT NOT NULL, question TEXT NOT NULL, asked_at TEXT NOT NULL, answer TEXT, answered_at TEXT,
  PRIMARY KEY (task, epoch)
) STRICT;

-- What happened, in the order in which it did (lib/protocol/events.ts). Rows are only added; the oldest go at last.
CREATE TABLE IF NOT EXISTS events(
  seq INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, kind TEXT NOT NULL, task TEXT, ship TEXT, epoch INTEGER, reason TEXT, data TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS events_of_ship ON events(ship, kind, seq);

CREATE TABLE IF NOT EXISTS lost(ref TEXT PRIMARY KEY, task TEXT NOT NULL, epoch INTEGER NOT NULL, ship TEXT NOT NULL, at TEXT NOT NULL) STRICT;

-- What the captain is told of, while it lasts and after it, and the notices of it: a queue for each target, which is
-- known here by an id alone. dropped counts the notices that came after this one and found no room.
CREATE TABLE IF NOT EXISTS occurrences(
  id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL, event TEXT NOT NULL, told TEXT NOT NULL, opened_at TEXT NOT NULL, resolved_at TEXT
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS open_occurrence ON occurrences(key) WHERE resolved_at IS NULL;
CREATE INDEX IF NOT EXISTS occurrences_of_key ON occurrences(key);
CREATE TABLE IF NOT EXISTS notices(
  seq INTEGER PRIMARY KEY AUTOINCREMENT, target TEXT NOT NULL, occurrence INTEGER NOT NULL, body TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('waiting','sent','failed','dropped')), dropped INTEGER NOT NULL DEFAULT 0,
  tries INTEGER NOT NULL DEFAULT 0, error TEXT, at TEXT NOT NULL, done_at TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS notices_waiting ON notices(target, status, seq);
CREATE INDEX IF NOT EXISTS notices_of_occurrence ON notices(occurrence, target);
`;
