import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ensureHelm, stopHelm } from "../../lib/daemons/helm.ts";
import { helmClient } from "../../lib/daemons/helm-client.ts";
import { helmPortCheck } from "../../lib/preflight/helm-port.ts";
import { writeVoyageIdentity } from "../../lib/voyage/identity.ts";
import { makeCaptain, makePlan, makeSource, makeVoyage } from "../support/helm-voyage.ts";

/** These tests are of a helm that runs and does not answer: here a signal has stopped it. */
const BIN = resolve(import.meta.dirname, "../../bin/ocaptain");
const ocaptain = (...args: string[]) =>
  promisify(execFile)(BIN, args, { timeout: 30_000 }).catch((error: { stdout: string; stderr: string }) => error);

let captain: Awaited<ReturnType<typeof makeCaptain>>;
let pid: number;
beforeEach(async () => {
  captain = await makeCaptain();
  const helm = await ensureHelm();
  const { register } = await makeVoyage(makeSource(captain.root), "v", makePlan({ "1": [] }));
  await helm.registerVoyage("abc123", register);
  await writeVoyageIdentity({ voyageId: "abc123", stack: "v", captainId: "me", nonce: "n", createdAt: "2026-01-01T00:00:00Z" });
  ({ pid } = await helm.health());
  process.kill(pid, "SIGSTOP");
});
afterEach(async () => {
  process.kill(pid, "SIGCONT");
  await stopHelm();
  captain.remove();
});

test("is named with its process and the command that helps, by looks, by preflight, and by what changes something", async () => {
  const silent = { code: "HELM_SILENT", message: `the helm (process ${pid}) runs and does not answer` };
  const hint = expect.stringMatching(new RegExp(`^kill -CONT ${pid}\\b`));
  const helm = helmClient();
  await expect(helm.health()).rejects.toMatchObject({ ...silent, hint });
  await expect(helm.lookAtVoyage("abc123")).rejects.toMatchObject({ ...silent, hint });
  await expect(helm.retryTask("abc123", "1")).rejects.toMatchObject({ ...silent, hint });
  await expect(ensureHelm()).rejects.toMatchObject({ ...silent, hint });
  expect(await helmPortCheck().look()).toEqual([{ what: "helm", message: silent.message, hint }]);

  const status = await ocaptain("status", "v");
  expect(status.stdout).toContain(`the helm (process ${pid}) runs and does not answer`);
  expect(status.stdout).toContain(`hint: kill -CONT ${pid}`);
  const doctor = await ocaptain("doctor");
  expect(doctor.stdout).toContain(`the helm (process ${pid}) runs and does not answer`);
  expect(doctor.stdout).not.toContain("occupied");

  process.kill(pid, "SIGCONT");
  expect((await helm.health()).pid).toBe(pid);
});
