import { writeSync } from "node:fs";
import type { History } from "../history.ts";
import { play } from "./play.ts";

/** Plays the history that it is given as JSON, prints a line for each step, and last what was broken, as JSON. */
const history = JSON.parse(process.argv[2] ?? "") as History;
const counts: Record<string, number> = {};
const count = (what: string) => {
  counts[what] = (counts[what] ?? 0) + 1;
};
const broken = await play(history, { say: (line) => writeSync(1, `  ${line}\n`), count }).catch((error: Error) => [
  `the storm itself has failed: ${error.stack ?? error.message}`,
]);
writeSync(1, `${JSON.stringify({ broken, counts })}\n`);
process.exit(broken.length > 0 ? 1 : 0);
