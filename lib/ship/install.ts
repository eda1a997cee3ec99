import { createHash } from "node:crypto";
import { z } from "zod";
import { lastLine, ShipPath, shipFacts, UserName, Version } from "./facts.ts";
import { shipProgram } from "./shell.ts";

/** A file for a ship: `path` is relative to the ship's home, and `mode` are permission bits. */
export type ShipFile = { path: string; content: string; mode: number };
/** The link by which a ship's tree is synced (crew/verify/verified-tree.ts). */
export const SYNCED_LINK = { path: "voyage/synced", to: "." };
/** The folders and links that a ship's syncs and crew need. */
export const SHIP_PLACES = { mkdirs: ["voyage/workspace", "voyage/logs", ".claude/tasks"], links: [SYNCED_LINK] };
/** The user, home and Node with which a command runs on a ship. */
const Facts = z.object({ user: UserName, home: ShipPath, node: Version });
export type ShipFacts = z.infer<typeof Facts>;

/**
 * The program that installs files on a ship, for plain Node ≥ 18. Files come by stdin, because argv is seen by every
 * process. Each file is put in place by a rename, so that a reader finds the old or the new one; a path that leaves the
 * home is refused.
 */
const BOOT = `
const fs = require("fs"), os = require("os"), path = require("path"), crypto = require("crypto"), { execFileSync } = require("child_process");
const home = os.homedir();
const at = (p) => {
  const full = path.resolve(home, p);
  if (!full.startsWith(home + path.sep)) throw new Error("not inside the home: " + p);
  return full;
};
const order = JSON.parse(fs.readFileSync(0, "utf8"));
const isThere = (file) => {
  try {
    return crypto.createHash("sha256").update(fs.readFileSync(at(file.path))).digest("hex") === file.sha256;
  } catch {
    return false;
  }
};
if (!order.needs.every(isThere)) {
  console.log(JSON.stringify({ lacks: true }));
  process.exit();
}
for (const dir of order.mkdirs) fs.mkdirSync(at(dir), { recursive: true, mode: 0o700 });
for (const link of order.links) if (!fs.lstatSync(at(link.path), { throwIfNoEntry: false })) fs.symlinkSync(link.to, at(link.path));
for (const file of order.files) {
  const to = at(file.path), next = to + ".next-" + process.pid;
  fs.mkdirSync(path.dirname(to), { recursive: true, mode: 0o700 });
  fs.writeFileSync(next, file.content, { mode: file.mode });
  fs.chmodSync(next, file.mode);
  fs.renameSync(next, to);
}
if (order.run) execFileSync(order.run[0], order.run.slice(1), { timeout: 60000, stdio: ["ignore", 2, 2] });
console.log(JSON.stringify({ user: os.userInfo().username, home, node: process.version }));
`;

/**
 * Returns the command that installs files on a ship by one exec. Its standard input is {@link provisionStdin}, and
 * {@link parseShipFacts} reads its output.
 */
export const provisionArgv = (): readonly string[] => shipProgram("node", "-e", BOOT);

/**
 * Returns the standard input of an install; secrets go this way too, with mode 0600. `mkdirs` are folders to make
 * (0700), relative to the home, and `links` are links to make where nothing is. `needs` are files that must be there
 * already: where one is not, or is another, nothing is done, and {@link lacksFiles} finds that in the output. `run` is
 * a command to run when all is in place; its failure fails the exec, and what it prints goes to stderr.
 */
export function provisionStdin(order: {
  files: readonly ShipFile[];
  mkdirs?: readonly string[];
  links?: readonly { path: string; to: string }[];
  needs?: readonly { path: string; sha256: string }[];
  run?: readonly string[];
}): string {
  return JSON.stringify({ mkdirs: [], links: [], needs: [], ...order });
}

/** The digests of files, by which a ship shows that it has them already. */
export const digestsOf = (files: readonly ShipFile[]) =>
  files.map(({ path, content }) => ({ path, sha256: createHash("sha256").update(content).digest("hex") }));

/** Tells from its output whether the install did nothing because the ship lacks a file that the order needs. */
export const lacksFiles = (stdout: string): boolean => stdout.trim().split("\n").at(-1) === '{"lacks":true}';

/** Reads the facts of an install's output. @throws OcaptainError SHIP_FACTS when the output is not what BOOT prints */
export const parseShipFacts = (sprite: string, stdout: string): ShipFacts => shipFacts(sprite, Facts, lastLine(stdout));
