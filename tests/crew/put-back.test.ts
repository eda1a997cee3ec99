import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { putBack, putInPlace } from "../../crew/verify/verified-tree.ts";
import { PUT_BACK } from "../../lib/ship/crew-launch.ts";

// After a crew that died while verify.sh was run, the ship's own tree is put back by the next crew, or by what brings
// it home.
let home: string;
const at = (path: string) => join(home, "voyage", path);
const places = () => ({ workspace: at("workspace"), aside: at("aside"), synced: at("synced"), scratch: at("scratch") });

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "oc-put-"));
  for (const [folder, file] of [
    ["workspace", "own"],
    ["scratch/tree", "checkout"],
  ] as const) {
    mkdirSync(at(folder), { recursive: true });
    writeFileSync(join(at(folder), file), "");
  }
  symlinkSync(".", at("synced"));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const WAYS: [string, () => void][] = [
  ["the next crew", () => putBack(places())],
  [
    "the captain's shell line",
    () => expect(spawnSync("sh", ["-c", PUT_BACK], { env: { PATH: process.env.PATH, HOME: home } }).status).toBe(0),
  ],
];
const isBack = () => {
  expect(readdirSync(at("workspace"))).toEqual(["own"]);
  expect(readdirSync(at("synced/workspace"))).toEqual(["own"]);
  expect(readlinkSync(at("synced"))).toBe(".");
};

test.each(WAYS)("%s puts the tree back from each step, and changes nothing a second time", (_who, back) => {
  putInPlace(places(), at("scratch/tree"));
  expect([readdirSync(at("workspace")), readdirSync(at("synced/workspace"))]).toEqual([["checkout"], ["own"]]);
  back();
  isBack();
  back();
  isBack();
});

test.each(WAYS)("%s puts it back where a crew died between two steps, and makes a link that is missing", (_who, back) => {
  putInPlace(places(), at("scratch/tree"));
  rmSync(at("workspace"), { recursive: true });
  rmSync(at("synced"));
  symlinkSync("synced", at("synced"));
  back();
  isBack();
  rmSync(at("synced"));
  back();
  isBack();
});

test.each(WAYS)("%s puts it back also where verify.sh has put a link that leads nowhere", (_who, back) => {
  putInPlace(places(), at("scratch/tree"));
  rmSync(at("workspace"), { recursive: true });
  symlinkSync("/nowhere", at("workspace"));
  back();
  isBack();
});
