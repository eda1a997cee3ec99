/**
 * `node bench/between.ts [runs]` (docs/bench.md) measures where the time of a short task of Claude Code goes: nine
 * tasks whose own work takes one second, on three ships. Helm, crews, git and Claude Code are real; the model is a
 * stand-in, which answers at once. Times are those of the crew's journal and of the model's questions.
 */
import { ClaudeFleet } from "../tests/claude/fleet.ts";
import { bash, complete, steps } from "../tests/support/claude/model.ts";
import { median } from "./numbers.ts";
import { whereAndWhen } from "./report.ts";

const SHIPS = 3;
const TASKS = Array.from({ length: 9 }, (_, i) => ({ id: String(i + 1) }));
/** The parts of a task, in order: each ends with the event that gives it its name. */
const PARTS = {
  asked: "granted, until the model is asked first: the tree, the gates, Claude Code's start",
  done: "the task's own second, with the start of Bash",
  accepted: "the agent says that it is done, until the helm has accepted it",
  said: "until the model is asked for its last word",
  next: "until the next task is granted: Claude Code's end, its spend, the claim",
} as const;
type Part = keyof typeof PARTS;
type Row = Partial<Record<Part, number>>;

const runs = Number(process.argv[2] ?? 3);
const where = { ...whereAndWhen([]), command: `node bench/between.ts ${runs}` };
const rows: Row[] = [];
const wholes: number[] = [];
for (let i = 1; i <= runs; i++) {
  const { whole, tasks } = await measure();
  wholes.push(whole);
  rows.push(...tasks);
  process.stderr.write(`${i}/${runs}: ${whole.toFixed(1)} s\n`);
}
console.log(JSON.stringify(where));
console.log(
  `${TASKS.length} tasks on ${SHIPS} ships: ${median(wholes).toFixed(1)} s (${wholes.map((one) => one.toFixed(1)).join(", ")})`,
);
console.log("| a task, median | seconds |\n|---|---|");
for (const [part, what] of Object.entries(PARTS)) {
  const all = rows.map((row) => row[part as Part]).filter((one) => one !== undefined);
  console.log(`| ${what} | ${median(all).toFixed(2)} |`);
}
process.exit();

/** Sails one voyage. Returns its seconds, from the first grant to the last acceptance, and each task's parts. */
async function measure(): Promise<{ whole: number; tasks: Row[] }> {
  const fleet = await ClaudeFleet.sail(TASKS, SHIPS);
  const asked = new Map<string, number[]>();
  try {
    fleet.api.script = (talk) => {
      asked.set(talk.task, [...(asked.get(talk.task) ?? []), Date.now()]);
      return steps(bash(`sleep 1; echo ${talk.task} > ${talk.task}.txt`), complete(talk.task), { text: "Done." })(talk);
    };
    fleet.startAll();
    await fleet.until("done", (now) => now.state === "done", 120_000);
    for (const ship of fleet.ships) await fleet.ended(ship);
    const journals = fleet.ships.map((ship) =>
      (fleet.logs(ship)["supervisor.jsonl"] ?? "")
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as { at: string; event: string; task?: string }),
    );
    const of = (event: string) => journals.flat().filter((line) => line.event === event);
    const at = (line: { at: string }) => Date.parse(line.at);
    const whole = (Math.max(...of("accepted").map(at)) - Math.min(...of("claimed").map(at))) / 1000;
    return {
      whole,
      tasks: journals.flatMap((journal) =>
        partsOf(
          journal.map((line) => ({ ...line, ms: at(line) })),
          asked,
        ),
      ),
    };
  } finally {
    await fleet.close();
  }
}

function partsOf(journal: { event: string; task?: string; ms: number }[], asked: Map<string, number[]>): Row[] {
  const claims = journal.filter((line) => line.event === "claimed");
  return claims.map(({ task = "", ms }, i) => {
    const [first, second, third] = asked.get(task) as [number, number, number];
    const accepted = journal.find((line) => line.event === "accepted" && line.task === task)!.ms;
    const next = claims[i + 1]?.ms;
    const between = (from: number, to: number) => (to - from) / 1000;
    return {
      asked: between(ms, first),
      done: between(first, second),
      accepted: between(second, accepted),
      said: between(accepted, third),
      ...(next !== undefined && { next: between(third, next) }),
    };
  });
}
