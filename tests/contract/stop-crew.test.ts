import { afterAll, beforeAll, expect, test } from "vitest";
import { crewRuns, launchCrew, stopCrew } from "../../lib/ship/crew-launch.ts";
import { provisionArgv, provisionStdin } from "../../lib/ship/install.ts";
import { openPort } from "../support/voyage/port.ts";

const NAME = "quay-abc123-ship-0";
let port: Awaited<ReturnType<typeof openPort>>;
beforeAll(async () => {
  port = await openPort();
  await port.sprites.create(NAME, ["test"]);
});
afterAll(async () => {
  await port.sprites.remove(NAME);
  await port.close();
});

/**
 * A supervisor that takes its time to end, as one does that first has to end its hand. It writes a file when it is
 * gone.
 */
const SLOW = `
const { writeFileSync } = require("node:fs");
process.on("SIGHUP", () => setTimeout(() => { writeFileSync("gone", ""); process.exit(); }, 1500));
setInterval(() => {}, 1000);
writeFileSync("here", "");
`;

test("stopping a crew returns when its supervisor is gone, since until then another would not start; without a crew it is quiet", async () => {
  expect((await port.sprites.exec(NAME, stopCrew)).exitCode).toBe(0);
  const files = [{ path: "voyage/crew/supervisor.js", content: SLOW, mode: 0o600 }];
  await port.sprites.exec(NAME, provisionArgv(), { stdin: provisionStdin({ files, run: launchCrew }) });
  const wait = (file: string) =>
    port.sprites.exec(NAME, ["timeout", "10", "sh", "-c", `until [ -e ${file} ]; do sleep 0.05; done`]);
  expect((await wait("here")).exitCode).toBe(0);
  expect((await port.sprites.exec(NAME, crewRuns)).exitCode).toBe(0);
  expect((await port.sprites.exec(NAME, stopCrew)).exitCode).toBe(0);
  expect((await port.sprites.exec(NAME, ["ls", "gone"])).stdout).toBe("gone\n");
  expect((await port.sprites.exec(NAME, crewRuns)).exitCode).not.toBe(0);
});
