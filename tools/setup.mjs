/**
 * The work of `npm run setup` and `ocaptain setup`: makes everything that a fresh machine with Node ≥ 20, npm and git
 * lacks. It uses only built-ins of Node 20. With names of parts it makes only these, also those that not everybody
 * needs (parts.mjs). It is safe to repeat, to interrupt and to start twice: each part is made in a folder of its own,
 * put in place by a rename, and then stamped.
 */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { checkoutFolder, isCheckout, partFolder, stampFiles, toolsFolder } from "./places.mjs";
import { boundCompileCache } from "./setup/compile-cache.mjs";
import { lock } from "./setup/lock.mjs";
import { hasStateToMove, moveState } from "./setup/move-state.mjs";
import { onDemand, parts } from "./setup/parts.mjs";
import { withProgress } from "./setup/progress.mjs";

const TEMPORARY = "tmp-";
const say = (text) => process.stderr.write(`${text}\n`);

/**
 * Makes the missing ones of `names`, or of the parts that everybody needs, and returns a row for each program that is
 * there then. It prints to standard error only: progress, `table` of the rows, and nothing when `quiet` is set and all
 * parts are there already. Unless `quiet` is set it also brings what a checkout has in its `.tools/` to where all find
 * it. Rejects with a message for people.
 * @param {{quiet?: boolean, table?: boolean, names?: string[]}} options
 * @returns {Promise<{part: string, version: string, from: string}[]>}
 */
export async function setup({ quiet = false, table = true, names = [] } = {}) {
  const chosen = names.length > 0 ? names.map(partCalled) : [...parts];
  // What not everybody needs, and this checkout has in its `.tools/`, is moved with the rest.
  if (!quiet && names.length === 0) chosen.push(...onDemand.filter((part) => fits(part, earlierStampOf(part))));
  boundCompileCache();
  const isReady = (part) => (quiet ? current(part) !== undefined : fits(part, stampOf(part)) && !earlierStampOf(part));
  const movesState = !quiet && names.length === 0 && hasStateToMove();
  if (!chosen.every(isReady) || movesState) {
    const folders = [toolsFolder(), ...(isCheckout ? [checkoutFolder] : [])];
    const releases = [];
    const end = () => process.exit(130); // Handlers of "exit" end the child processes.
    process.once("SIGINT", end).once("SIGTERM", end);
    try {
      for (const folder of folders) {
        mkdirSync(folder, { recursive: true });
        releases.push(await lock(realpathSync(folder), sayWait));
        removeLeftovers(folder);
      }
      if (movesState) moveState(say);
      // What this machine cannot have is told before minutes are spent on the rest.
      await Promise.all(chosen.filter((part) => part.foresee && !isReady(part)).map(foresee));
      for (const part of chosen) if (!isReady(part)) await bring(part, { clear: !quiet });
    } finally {
      process.off("SIGINT", end).off("SIGTERM", end);
      for (const release of releases) release();
    }
  } else if (quiet) return rowsOf(chosen);
  const rows = rowsOf(chosen);
  for (const row of table ? rows : []) say(`  ${row.part.padEnd(17)}${row.version.padEnd(14)}${row.from}`);
  return rows;
}

const sayWait = (pid) =>
  say(`another set-up${pid ? `, process ${pid},` : ""} is at work: this one waits for it, and then goes on by itself`);

/** Looks whether a part can be had, unless it is in the checkout's `.tools/`; rejects with what is missing. */
async function foresee(part) {
  const earlier = earlierStampOf(part);
  await part.foresee({ earlier: fits(part, earlier) ? earlier : undefined });
}

function partCalled(name) {
  const all = [...parts, ...onDemand];
  const part = all.find((one) => one.name === name);
  if (!part) throw new RangeError(`no part is called ${name}; there are ${all.map((one) => one.name).join(", ")}`);
  return part;
}

/** Whether a part is as it should be by this stamp. */
const fits = (part, stamp) => stamp?.key === part.key() && part.intact(stamp);
/** The stamp of a part that is as it should be, at the present place or the earlier one; else undefined. */
const current = (part) => [stampOf(part), earlierStampOf(part)].find((stamp) => fits(part, stamp));

const stampOf = (part) => (part.look ? part.look() : read(stampFiles(part.name)[0]));
/** What a checkout's `.tools/` notes of a part that is kept with all tools by now. */
const earlierStampOf = (part) => (partFolder(part.name) ? read(earlierFile(part)) : undefined);
const earlierFile = (part) => join(checkoutFolder, "stamps", `${part.name}.json`);
const read = (file) => (existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : undefined);

/** Removes the folders of set-ups that were killed. This process holds the lock, so nobody works in them. */
function removeLeftovers(folder) {
  const left = readdirSync(folder).filter((name) => name.startsWith(TEMPORARY));
  for (const name of left) rmSync(join(folder, name), { recursive: true, force: true });
}

/** Makes a part, or takes it from the checkout's `.tools/`, where nothing of it is then left. */
async function bring(part, { clear }) {
  const earlier = earlierStampOf(part);
  if (!fits(part, stampOf(part))) await make(part, fits(part, earlier) ? earlier : undefined);
  if (!clear || !earlier) return;
  for (const name of part.earlier) rmSync(join(checkoutFolder, name), { recursive: true, force: true });
  rmSync(earlierFile(part));
  if (part.earlier.length > 0) say(`  moved from .tools/ to ${partFolder(part.name)}: ${part.title}`);
}

async function make(part, earlier) {
  const folder = partFolder(part.name);
  const temporary = mkdtempSync(join(folder ? toolsFolder() : checkoutFolder, `${TEMPORARY}${part.name}-`));
  /** Puts what was made into the part's folder, as a whole. */
  const place = (fresh) => {
    if (existsSync(folder)) renameSync(folder, join(temporary, "replaced"));
    renameSync(fresh, folder);
    return folder;
  };
  try {
    const key = part.key();
    const stamp = await withProgress(part.title, async (tell, note) => {
      const made = await part.make({ tell, note, temporary, place, earlier });
      // A part that is not whole right after it was made would be made again by every command.
      if (!part.intact(made)) throw new Error("it was made, but a file that it needs is not in its place");
      return made;
    });
    if (part.look) return;
    const [file] = stampFiles(part.name);
    mkdirSync(dirname(file), { recursive: true });
    const made = join(temporary, "stamp");
    writeFileSync(made, JSON.stringify({ key, ...stamp }, null, 2));
    renameSync(made, file);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

function rowsOf(chosen) {
  return chosen.flatMap((part) => {
    const stamp = current(part) ?? { version: "", from: "" };
    const rows = stamp.rows ?? [{ part: part.name, ...stamp }];
    return rows.map(({ part: name, version, from }) => ({ part: name, version, from }));
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await setup({ names: process.argv.slice(2) }).catch((error) => {
    say(`set-up: ${error.message}`);
    process.exit(1);
  });
}
