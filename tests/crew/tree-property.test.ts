import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { asNobodySpecial } from "./powers.ts";

type Round = { seed: number; doings: string[]; refused: string; ignored: string[]; aside: string; trouble: string[] };

const program = fileURLToPath(new URL("agents-doings.ts", import.meta.url));

async function rounds(...seeds: string[]): Promise<Round[]> {
  const [file, ...args] = asNobodySpecial(process.execPath, program, ...seeds);
  const { stdout } = await promisify(execFile)(file!, args, { timeout: 290_000, maxBuffer: 1 << 26 });
  return stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}

test("whatever an agent does to its tree and its git, it is in the commit, named, or refused and kept; the next task begins at the tip alone", async () => {
  const seen = await rounds("each", "101", "102");
  expect(seen.filter(({ trouble }) => trouble.length > 0)).toEqual([]);
  const names = (rounds: Round[]) => rounds.filter(({ doings }) => doings.length === 1).map(({ doings }) => doings[0]);
  const each = seen.filter(({ seed }) => seed < 100);
  expect(names(each.filter(({ refused }) => refused !== ""))).toEqual([
    "uses a filter that is not here",
    "leaves an unreadable folder",
    "leaves an unreadable file",
    "leaves a repository",
    "leaves a new repository",
    "writes into a submodule",
    "moves a submodule",
    "begins .git anew",
    "moves HEAD",
  ]);
  expect(names(each.filter(({ ignored }) => ignored.length > 0))).toEqual([
    "writes what is ignored",
    "adds what is ignored",
    "changes what is ignored",
    "leaves a pipe",
  ]);
  expect(names(each.filter(({ aside }) => aside !== ""))).toEqual(["stashes", "commits beside", "tags and packs"]);
}, 300_000);
