/**
 * `npm run demo`, or `ocaptain demo`, sails a whole voyage on the harbor, by the real Pulumi engine. All its files are
 * in a folder of its own (`.demo/`, or OCAPTAIN_DEMO) and a temporary one. It loses a ship on purpose, heals, shows
 * what was delivered, destroys, and proves that. It needs no account and leaves nothing running.
 */
import { readFile, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import { execa } from "execa";
import { explain } from "../../lib/base/errors.ts";
import { spriteName, spritePrefix } from "../../lib/base/naming.ts";
import { voyageFolder } from "../../lib/base/paths.ts";
import { PROJECT } from "../../lib/base/program-file.ts";
import { loadCommand } from "../../lib/base/set-up-command.ts";
import { shellWord } from "../../lib/base/shell-word.ts";
import { plainJson } from "../../lib/base/text.ts";
import { helmClient } from "../../lib/daemons/helm-client.ts";
import type { VoyageStatus } from "../../lib/protocol/status.ts";
import { openSprites } from "../../lib/sprites/client.ts";
import { slip } from "../output/slip.ts";
import { openTerminal } from "../output/terminal.ts";
import { pulumi } from "../pulumi/run.ts";
import { showSteps } from "../pulumi/show-steps.ts";
import { collectReport } from "../report/facts/collect.ts";
import { page } from "../report/page/page.ts";
import { findVoyage } from "../target/choose-voyage.ts";
import { followTasks } from "./follow-tasks.ts";
import { CONFIG_FILE, closeMachine, DEMO, ENV_FILE, makeStack, openMachine, STACK } from "./machine.ts";
import { FLAGS, OPTIONS } from "./options.ts";

const HELP = `npm run demo [-- options]      sails a demonstration voyage on the harbor; so does: ocaptain demo [options]

${[...FLAGS, ["--json", "print what came of it as JSON; progress goes to stderr"], ["--help", "this text"]].map(([flag, what]) => `  ${flag?.padEnd(21)}${what}`).join("\n")}

OCAPTAIN_DEMO names another folder than .demo/ (of the package: ~/.ocaptain/demo), which is made anew each time.

Examples:
  npm run demo
  npm run demo -- --repo ../another-repository --ships 6`;

const values = readOptions();
if (values.help) {
  console.log(HELP);
  process.exit(0);
}

const terminal = openTerminal();
/** The result of a demonstration, as `--json` prints it. */
const result: {
  voyage: string;
  state: VoyageStatus["state"] | null;
  tasks: number;
  commit: string | null;
  lostOnPurpose: string | null;
  folder: string;
  report: string | null;
  /** The report of the voyage: who did what when, spend, checks, what went back. */
  voyageReport: string | null;
  /** The ships and the helm that are still there after the destroy; null where the fleet was kept. */
  left: { ships: string[]; helm: boolean } | null;
  /** Why it failed. */
  error: string | null;
} = {
  voyage: STACK,
  state: null,
  tasks: 0,
  commit: null,
  lostOnPurpose: null,
  folder: "",
  report: null,
  voyageReport: null,
  left: null,
  error: null,
};
const interrupted = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, () => interrupted.abort());

const { folder: project, env } = await openMachine({
  plan: values.plan,
  ships: values.ships,
  repo: values.repo,
  latency: values.latency,
}).catch((error) => {
  terminal.plain(explain(error));
  process.exit(1);
});
const onStack = ["-s", STACK, "--config-file", CONFIG_FILE];
const change = (verb: "up" | "destroy", signal?: AbortSignal) =>
  pulumi([verb, "--yes", "--skip-preview", ...onStack], { folder: project, env, onStep: showSteps(terminal), signal });

try {
  await sail();
} catch (error) {
  terminal.status("");
  result.error = explain(error);
  terminal.plain(`\n${terminal.style("red", interrupted.signal.aborted ? "Interrupted." : explain(error))}`);
  process.exitCode = interrupted.signal.aborted ? 130 : 1;
}
if (values.keep) {
  await reportVoyage();
  terminal.heading("Kept. To go on with it");
  const there = `-C ${shellWord(project)} ${onStack.map(shellWord).join(" ")}`;
  terminal.plain(`  ${loadCommand()}; . ${shellWord(ENV_FILE)}`);
  terminal.plain(`  pulumi up ${there}`);
  terminal.plain(`  pulumi destroy ${there}  # or: another demonstration, which ends this one first`);
} else
  await sink().catch((error) => {
    result.error ??= explain(error);
    terminal.plain(explain(error));
    process.exitCode ||= 1;
  });
tellOfReport();
if (values.json) console.log(plainJson(result, 2));
process.exit();

function readOptions() {
  try {
    const options = Object.fromEntries(
      Object.entries({ ...OPTIONS, json: {}, help: {} }).map(([name, option]) => {
        return [name, { type: "value" in option ? ("string" as const) : ("boolean" as const) }];
      }),
    );
    const { repo, ...typed } = parseArgs({ options }).values as { [name in keyof typeof OPTIONS]?: string } & {
      json?: boolean;
      help?: boolean;
    };
    return { plan: join(PROJECT, "plans", "survey"), ships: "4", latency: "realistic", ...typed, repo };
  } catch (error) {
    console.error(`${slip(error as Error)}\n  hint: npm run demo -- --help`);
    process.exit(2);
  }
}

async function sail(): Promise<void> {
  const folder = voyageFolder(STACK);
  result.folder = folder.root;
  terminal.heading(`Sailing: pulumi up, ${values.ships} ships, harbor latency ${values.latency}`);
  await makeStack(project, env);
  await change("up", interrupted.signal);

  const { voyageId } = JSON.parse(await readFile(folder.voyageFile, "utf8")) as { voyageId: string };
  const accepted = (status: VoyageStatus) => status.tasks.filter((task) => task.status === "accepted").length;
  terminal.heading("At work");
  const tasks = followTasks(terminal, voyageId, { signal: interrupted.signal, quietSeconds: 60 });
  try {
    const midway = await tasks.until((s) => accepted(s) >= 3 && s.ships.some((ship) => ship.task !== null));
    const victim = midway.ships.find((ship) => ship.task !== null);
    result.lostOnPurpose = victim?.ship ?? null;
    await (await openSprites({ kind: "harbor" })).remove(spriteName(STACK, voyageId, victim?.ship ?? ""));
    terminal.line(terminal.style("red", `✗ ${victim?.ship} is sunk on purpose, in the middle of task #${victim?.task}`));
    terminal.line("  healing: pulumi up, again");
    await change("up", interrupted.signal);
    const end = await tasks.until((s) => ["verified", "failed", "blocked"].includes(s.state));
    Object.assign(result, { state: end.state, tasks: accepted(end), commit: end.tip });
    if (end.state !== "verified")
      throw new Error(
        `the voyage ended ${end.state}: ${end.verified?.output ?? end.tasks.find((task) => task.reason)?.reason ?? ""}`,
      );
    terminal.line(`${terminal.style("green", "✓")} verify.sh passed in a fresh checkout of ${end.verified?.commit.slice(0, 8)}`);
  } finally {
    await tasks.stop();
  }
  await change("up", interrupted.signal); // takes the last look into the outputs
  await show(folder);
}

/** Shows what was delivered: commits, outputs, report. */
async function show(folder: ReturnType<typeof voyageFolder>): Promise<void> {
  terminal.heading(`Delivered: a commit per task on branch ${STACK}`);
  const log = await execa("git", [
    "--git-dir",
    folder.repo,
    "log",
    "-20",
    "--format=%h  %<(8,trunc)%(trailers:key=Ship,valueonly,separator=) %s",
    STACK,
  ]);
  terminal.plain(log.stdout.replace(/^/gm, "  "));
  terminal.heading("Outputs: pulumi stack output");
  terminal.plain(
    (await pulumi(["stack", "output", "--json", "-s", STACK], { folder: project, env })).stdout.trim().replace(/^/gm, "  "),
  );
  const report = await execa("git", ["--git-dir", folder.repo, "show", `${STACK}:survey/report.html`], {
    reject: false,
    stripFinalNewline: false,
  });
  if (report.exitCode !== 0) return;
  const file = join(DEMO, "report.html");
  await writeFile(file, report.stdout);
  result.report = file;
  terminal.heading("The survey");
  terminal.plain(`  ${relative(process.cwd(), file)}  (open it in a browser)`);
}

/** Destroys and shows the proof: the provider's own listing, and the helm that is gone. */
async function sink(): Promise<void> {
  terminal.heading("Sinking: pulumi destroy");
  const file = voyageFolder(STACK).voyageFile;
  const { voyageId } = JSON.parse(await readFile(file, "utf8").catch(() => "{}")) as { voyageId?: string };
  try {
    await change("destroy");
  } finally {
    await reportVoyage();
  }
  if (!voyageId) return;
  const left = await (await openSprites({ kind: "harbor" })).list(spritePrefix(STACK, voyageId));
  const helm = await helmClient()
    .health()
    .catch(() => null);
  result.left = { ships: left, helm: helm !== null };
  terminal.heading("Proof");
  terminal.plain(`  ships left at the provider: ${left.length}   helm: ${helm ? `still there, pid ${helm.pid}` : "ended"}`);
  await closeMachine();
  terminal.plain(`  the voyage's folder stays: ${relative(process.cwd(), voyageFolder(STACK).root)}`);
  if (left.length > 0 || helm) process.exitCode = 1;
}

/** Writes the report of the voyage beside the survey. That it cannot be written is said, and fails nothing. */
async function reportVoyage(): Promise<void> {
  const file = join(DEMO, `${STACK}-report.html`);
  try {
    await writeFile(file, page(await collectReport(await findVoyage(STACK))));
    result.voyageReport = file;
  } catch (error) {
    terminal.plain(`  no report of the voyage: ${explain(error)}`);
  }
}

function tellOfReport(): void {
  if (result.voyageReport === null) return;
  terminal.heading("The report of the voyage");
  terminal.plain(
    `  ${relative(process.cwd(), result.voyageReport)}  (open it in a browser: who did what when, what was lost and healed)`,
  );
}
