/**
 * `npm run bench`: docs/bench.md says what is measured, and how. Results go to standard output, progress to standard
 * error.
 */
import { explain } from "../lib/base/errors.ts";
import { type Grants, measureGrants } from "./grant.ts";
import { HELP, type Options, readOptions } from "./options.ts";
import { type Measured, table, whereAndWhen } from "./report.ts";
import { type Pair, sailPair } from "./sailing.ts";

const args = process.argv.slice(2);
const interrupted = new AbortController();
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, () => interrupted.abort());
const say = (text: string) => process.stderr.write(`${text}\n`);

try {
  const options = readOptions(args);
  if (options === "help") console.log(HELP);
  else {
    const where = whereAndWhen(args);
    const measured = { sailings: await sail(options), grants: await grants(options) };
    console.log(options.json ? JSON.stringify({ where, ...measured }, null, 2) : table(measured, options, where));
  }
} catch (error) {
  const stopped = interrupted.signal.aborted;
  say(stopped ? "bench: interrupted; nothing is left running" : `bench: ${explain(error)}`);
  process.exitCode = stopped ? 130 : (error as { code?: string }).code === "USAGE" ? 2 : 1;
}
process.exit();

async function sail({ parts, ships, runs }: Options): Promise<Measured["sailings"]> {
  if (!parts.has("up") && !parts.has("noop") && !parts.has("calls")) return [];
  const sailings: Measured["sailings"] = [];
  for (const count of ships) {
    const pairs: Pair[] = [];
    for (let run = 1; run <= runs; run++) {
      const pair = await sailPair(count, { noop: parts.has("noop"), signal: interrupted.signal });
      pairs.push(pair);
      const { floor, voyage } = pair;
      const noop = voyage.noop && floor.noop ? `; no-op ${seconds(voyage.noop.ms)} on ${seconds(floor.noop.ms)}` : "";
      say(`${count} ships, ${run}/${runs}: up ${seconds(voyage.up.ms)} on a floor of ${seconds(floor.up.ms)}${noop}`);
    }
    sailings.push({ ships: count, pairs });
  }
  return sailings;
}

async function grants({ parts }: Options): Promise<Grants | null> {
  if (!parts.has("grant")) return null;
  say("100 ships ask for tasks, half a minute");
  return measureGrants(interrupted.signal);
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}
