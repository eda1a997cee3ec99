import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { environment } from "../../../tools/environment.mjs";
import { pulumiEnvironment } from "../../support/pulumi-environment.ts";
import { type Recording, SCENARIOS } from "./scenarios.ts";

/**
 * Records the calls that Pulumi's engine makes for a voyage's resources, to compare the model with:
 * `node tests/storm/model/record.ts` writes recorded-calls.json beside it.
 */
const folder = mkdtempSync(join(tmpdir(), "orec-"));
const [calls, wishes] = [join(folder, "calls"), join(folder, "wishes.json")];
const cwd = join(import.meta.dirname, "recorded");
const env = { ...environment(), ...pulumiEnvironment(folder), RECORD_FILE: calls, RECORD_WISHES: wishes };
const pulumi = (...args: string[]) => execa("pulumi", [...args, "--non-interactive", "-s", "sea"], { cwd, env, reject: false });

const recordings: Recording[] = [];
try {
  await execa("pulumi", ["stack", "init", "sea", "--non-interactive"], { cwd, env });
  for (const { name, steps } of SCENARIOS)
    for (const [index, step] of steps.entries()) {
      const config = { ships: step.ships, version: step.version };
      const lines = Object.entries(config).map(([key, value]) => `  ocaptain-recorded:${key}: "${value}"`);
      writeFileSync(join(folder, "Pulumi.sea.yaml"), ["config:", ...lines, ""].join("\n"));
      writeFileSync(wishes, JSON.stringify(step.wishes ?? {}));
      rmSync(calls, { force: true });
      const at = ["--config-file", join(folder, "Pulumi.sea.yaml")];
      const ran = await pulumi(step.run, ...(step.run === "preview" ? [] : ["--yes", "--skip-preview"]), ...at);
      const seen = existsSync(calls) ? readFileSync(calls, "utf8").trim().split("\n") : [];
      recordings.push({ name: `${name}, ${index + 1}`, failed: ran.exitCode !== 0, calls: seen });
      console.log(`${name}, ${index + 1}: ${seen.length / 2} calls${ran.exitCode === 0 ? "" : `, exit status ${ran.exitCode}`}`);
    }
} finally {
  rmSync(join(cwd, "Pulumi.sea.yaml"), { force: true });
  rmSync(folder, { recursive: true, force: true });
}
writeFileSync(join(import.meta.dirname, "recorded-calls.json"), `${JSON.stringify(recordings, null, 1)}\n`);
