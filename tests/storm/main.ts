import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { counted } from "../../lib/base/counted.ts";
import { engineHistory, smaller } from "./engine/histories.ts";
import { type Played, playApart } from "./engine/play-apart.ts";
import { describeHistory, type History } from "./history.ts";

const HELP = `npm run storm -- [options]: plays random histories in foul weather, and says what did not hold
  --level model|engine  only that level; both without it
  --seed N              begins with that seed; alone it plays this one history
  --histories N         how many; 2000 of the model and 100 of the engine without it
  --minutes N           begins no further history after that time
  --at-once N           how many of the engine at the same time, 1 without it
  --shrink N            how often a history of the engine that failed is played again to make it smaller, 8 without it`;
const ROOT = join(import.meta.dirname, "../..");

type Options = {
  level?: "model" | "engine";
  seed: number;
  histories?: number;
  until: number;
  atOnce: number;
  shrinks: number;
};

/** Reads what was typed; a sentence where that cannot be meant. */
export function readOptions(args: string[]): Options | string {
  const string = { type: "string" } as const;
  const options = { level: string, seed: string, histories: string, minutes: string, "at-once": string, shrink: string };
  let values: { [name in keyof typeof options]?: string };
  try {
    values = parseArgs({ args, options }).values;
  } catch (error) {
    return (error as Error).message;
  }
  const { level, ...numbers } = values;
  if (level !== undefined && level !== "model" && level !== "engine") return `there is no level "${level}": model or engine`;
  for (const [name, text] of Object.entries(numbers))
    if (!/^\d+$/.test(text)) return `--${name} takes a whole number, and "${text}" is none`;
  const number = (name: keyof typeof numbers) => (numbers[name] === undefined ? undefined : Number(numbers[name]));
  return {
    ...(level && { level }),
    seed: number("seed") ?? Math.floor(Math.random() * 1_000_000),
    histories: number("histories") ?? (values.seed === undefined ? undefined : 1),
    until: Date.now() + (number("minutes") ?? 24 * 60) * 60_000,
    atOnce: Math.max(1, number("at-once") ?? 1),
    shrinks: number("shrink") ?? 8,
  } as Options;
}

/** Plays the model's histories, which are a test of vitest, and says whether all held. */
async function stormOfTheModel({ seed, histories = 2000 }: Options): Promise<boolean> {
  const args = [join(ROOT, "node_modules/vitest/vitest.mjs"), "run", "tests/storm/model.test.ts"];
  const env = { ...process.env, STORM_SEED: String(seed), STORM_HISTORIES: String(histories) };
  const [code] = await once(spawn(process.execPath, args, { cwd: ROOT, stdio: "inherit", env }), "exit");
  return code === 0;
}

/** Plays histories on the real engine, and prints a table of what they were. */
async function stormOfTheEngine({ seed, histories = 100, until, atOnce, shrinks }: Options): Promise<boolean> {
  const started = new Date();
  const total: Record<string, number> = {};
  const failed: number[] = [];
  let next = seed;
  let ended = 0;
  const work = async () => {
    while (next < seed + histories && Date.now() < until) {
      const history = engineHistory(next++);
      const lines: string[] = [];
      const begun = performance.now();
      const { broken, counts } = await playApart(history, (line) => lines.push(line), stopping.signal);
      if (stopping.signal.aborted) return;
      ended += 1;
      for (const [name, count] of Object.entries(counts)) total[name] = (total[name] ?? 0) + count;
      const took = `${Math.round((performance.now() - begun) / 1000)} s`;
      console.error(`${ended} of ${histories}: seed ${history.seed} ${broken.length > 0 ? "FAILED" : "held"} (${took})`);
      if (broken.length === 0) continue;
      failed.push(history.seed);
      console.log([describeHistory(history), ...lines, ...broken.map((what) => `  ${what}`)].join("\n"));
      await shrink(history, shrinks);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  console.log(table(started, ended, total, failed));
  return failed.length === 0 && ended > 0;
}

/** Makes a history that failed smaller as long as it fails, and prints the smallest. */
async function shrink(history: History, tries: number): Promise<void> {
  let smallest = history;
  let because: Played["broken"] = [];
  for (let left = tries; left > 0; ) {
    let found = false;
    for (const one of smaller(smallest)) {
      if (left-- <= 0 || stopping.signal.aborted) break;
      const { broken } = await playApart(one, () => {}, stopping.signal);
      if (broken.length === 0) continue;
      smallest = one;
      because = broken;
      found = true;
      break;
    }
    if (!found) break;
  }
  if (smallest !== history)
    console.log(`smaller, it fails too:\n${describeHistory(smallest)}\n${because.map((what) => `  ${what}`).join("\n")}`);
  console.log(`again: npm run storm -- --level engine --seed ${history.seed}`);
}

/** What was played, as a table for docs/storm.md. */
function table(started: Date, histories: number, total: Record<string, number>, failed: number[]): string {
  const rows = Object.entries(total).sort(([one], [other]) => one.localeCompare(other));
  const day = started.toISOString().slice(0, 10);
  const minutes = Math.round((Date.now() - started.getTime()) / 60_000);
  return [
    `${day}: ${counted(histories, "history", "histories")} of the real engine in ${counted(minutes, "minute")}; ${histories - failed.length} held${failed.length > 0 ? `, these seeds failed: ${failed.join(", ")}` : ""}`,
    ...["", "| what came to pass | times |", "|---|---|", ...rows.map(([what, count]) => `| ${what} | ${count} |`)],
  ].join("\n");
}

const stopping = new AbortController();

if (import.meta.main) {
  const args = process.argv.slice(2);
  const options = readOptions(args);
  if (args.includes("--help") || typeof options === "string") {
    console.error(args.includes("--help") ? HELP : `${options}\n${HELP}`);
    process.exit(args.includes("--help") ? 0 : 2);
  }
  process.once("SIGINT", () => stopping.abort());
  console.error(`the first seed is ${options.seed}`);
  const levels = { model: stormOfTheModel, engine: stormOfTheEngine };
  let held = true;
  for (const level of ["model", "engine"] as const)
    if (!stopping.signal.aborted && (options.level ?? level) === level) held = (await levels[level](options)) && held;
  process.exit(stopping.signal.aborted ? 130 : held ? 0 : 1);
}
