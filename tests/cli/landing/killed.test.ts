import { join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startStandInPulls } from "../../support/stand-in-pulls.ts";
import { openSea, type Sea, STACK } from "./sea.ts";

let sea: Sea;
let service: Awaited<ReturnType<typeof startStandInPulls>>;
beforeEach(async () => {
  service = await startStandInPulls();
});
afterEach(async () => {
  await service.close();
  await sea.close();
});

test("killed between any two steps, the next landing goes on: one merge of the base, one branch, one pull request", async () => {
  sea = await openSea({ 1: [] });
  await sea.does(() => ({ "1.txt": "1\n" }));
  const before = sea.tip();
  const moved = sea.pushes({ "other.txt": "of somebody else\n" });
  const branch = `ocaptain/${STACK}`;
  service.state.branches.set(branch, before);
  const lands = (nth: number) =>
    execa(process.execPath, [join(import.meta.dirname, "killed-land.ts"), STACK, service.origin, String(nth)], {
      env: service.env,
      reject: false,
      timeout: 60_000,
    });
  // What comes before the first step that changes anything is looks.
  let ended = await lands(4);
  for (let nth = 5; ended.signal === "SIGKILL"; nth++) ended = await lands(nth);
  expect(ended).toMatchObject({ exitCode: 0, stderr: "" });
  expect(Number(ended.stdout)).toBeGreaterThan(6);
  expect(sea.branches()).toEqual(["main", branch]);
  expect(sea.at(branch)).toBe(sea.tip());
  expect(sea.parents()).toEqual([before, moved]);
  expect(service.state.pulls).toMatchObject([{ number: 1, state: "open", draft: true }]);
});
