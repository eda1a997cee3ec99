/**
 * The work of `npm run setup`: makes everything that a fresh machine with Node ≥ 20, npm and git lacks. It uses only
 * built-ins of Node 20. `npm run setup -- <part> …` makes only the named parts, also those that not everybody needs
 * (parts.mjs). It is safe to repeat, to interrupt and to start twice: each part is made in a folder of its own, put in
 * place by a rename, and then stamped.
 */
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { readStamp, stampFile, toolsFolder } from "./environment.mjs";
import { lock } from "./setup/lock.mjs";
import { onDemand, parts } from "./setup/parts.mjs";
import { withProgress } from "./setup/progress.mjs";

const TEMPORARY = "tmp-";
const say = (text) => process.stderr.write(`${text}\n`);

/**
 * Makes the missing ones of `names`, or of the parts that everybody needs. It prints to standard error only, and
 * nothing when `quiet` is set and all parts are there already. Rejects with a message for people.
 * @param {{quiet?: boolean, names?: string[]}} options
 */
export async function setup({ quiet = false, names = [] } = {}) {
  const chosen = names.length > 0 ? names.map(partCalled) : parts;
  if (!chosen.every(isCurrent)) {
    mkdirSync(toolsFolder, { recursive: true });
    const release = await lock(toolsFolder, () => say("another set-up of this checkout is at work: waiting for it"));
    const end = () => process.exit(130); // Handlers of "exit" end the child processes.
    process.once("SIGINT", end).once("SIGTERM", end);
    try {
      removeLeftovers();
      for (const part of chosen) if (!isCurrent(part)) await make(part);
    } finally {
      process.off("SIGINT", end).off("SIGTERM", end);
      release();
    }
  } else if (quiet) return;
  printTable(chosen);
}

function partCalled(name) {
  const all = [...parts, ...onDemand];
  const part = all.find((one) => one.name === name);
  if (!part) throw new Error(`no part is called ${name}; there are ${all.map((one) => one.name).join(", ")}`);
  return part;
}

function isCurrent(part) {
  const stamp = readStamp(part.name);
  return stamp?.key === part.key() && part.intact(stamp);
}

/** Removes the folders of set-ups that were killed. This process holds the lock, so nobody works in them. */
function removeLeftovers() {
  const left = readdirSync(toolsFolder).filter((name) => name.startsWith(TEMPORARY));
  for (const name of left) rmSync(join(toolsFolder, name), { recursive: true, force: true });
}

async function make(part) {
  const temporary = mkdtempSync(join(toolsFolder, `${TEMPORARY}${part.name}-`));
  try {
    const key = part.key();
    const stamp = await withProgress(part.title, async (tell) => {
      const made = await part.make({ tell, temporary });
      // A part that is not whole right after it was made would be made again by every command.
      if (!part.intact(made)) throw new Error("it was made, but a file that it needs is not in its place");
      return made;
    });
    mkdirSync(dirname(stampFile(part.name)), { recursive: true });
    const made = join(temporary, "stamp");
    writeFileSync(made, JSON.stringify({ key, ...stamp }, null, 2));
    renameSync(made, stampFile(part.name));
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

function printTable(chosen) {
  const rows = chosen.flatMap((part) => {
    const stamp = readStamp(part.name);
    return stamp.rows ?? [{ part: part.name, ...stamp }];
  });
  for (const row of rows) say(`  ${row.part.padEnd(17)}${row.version.padEnd(14)}${row.from}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await setup({ names: process.argv.slice(2) }).catch((error) => {
    say(`set-up: ${error.message}`);
    process.exit(1);
  });
}
