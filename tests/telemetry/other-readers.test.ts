import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { readByPyarrow } from "../support/pyarrow.ts";
import { logs, TestIntake } from "./intake.ts";

let intake: TestIntake;
afterEach(() => intake?.remove());

test("pyarrow reads the files while they are written: each row that was there once, and no half of a file", async ({ skip }) => {
  intake = new TestIntake();
  mkdirSync(dirname(intake.folder), { recursive: true });
  await intake.start();
  await intake.send("logs", logs("first", 2_000));
  await intake.flush();
  const table = join(intake.folder, "logs");
  let isRead = false;
  const reading = Promise.all([readByPyarrow(table), readByPyarrow(table)]).finally(() => {
    isRead = true;
  });
  let batch = 0;
  for (; !isRead; batch++) {
    await intake.send("logs", logs(`more${batch}`, 200));
    await intake.flush();
  }
  for (const rows of await reading) {
    if (rows === null) return skip("there is no Python 3 with pip here");
    const names = rows.map(({ name }) => String(name));
    expect(new Set(names).size).toBe(names.length);
    expect(names.filter((name) => name.startsWith("first-"))).toHaveLength(2_000);
  }
  expect(batch).toBeGreaterThan(1);
}, 240_000);
