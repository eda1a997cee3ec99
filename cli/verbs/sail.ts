import { explain, OcaptainError } from "../../lib/base/errors.ts";
import { voyageFolder } from "../../lib/base/paths.ts";
import { plainJson } from "../../lib/base/text.ts";
import { helmClient } from "../../lib/daemons/helm-client.ts";
import { readVoyageIdentity, type VoyageIdentity } from "../../lib/voyage/identity.ts";
import { nextSteps } from "../../lib/voyage/next-step.ts";
import { ask, canAsk } from "../output/ask.ts";
import { hintAt, pasteable } from "../output/hint.ts";
import type { Io } from "../output/io.ts";
import { fold, wrapCommand } from "../output/wrap.ts";
import type { Ran } from "../pulumi/run.ts";
import { type Meant, whatToSail } from "../sail/meant.ts";
import { runShown, runUp } from "../sail/run-up.ts";
import { meantSettings, pathFor, type SettingOptions, writeSettings } from "../sail/settings.ts";
import type { Stack } from "../sail/stack.ts";

type Options = SettingOptions & { name?: string; watch?: boolean; yes?: boolean };

/**
 * `ocaptain sail [plan or voyage]` shows what would sail, asks, and sails it by `pulumi up`. What it has set for a
 * voyage that does not sail after all is taken back.
 */
export async function sail(word: string | undefined, options: Options, io: Io): Promise<number | undefined> {
  meantSettings(options, process.cwd()); // a slip is told before anything is made
  const meant = await whatToSail(word, options.name);
  const { stack } = meant;
  hintAt({ stack: stack.name, project: stack.folder, byOcaptain: true });
  if (meant.remark) io.note(meant.remark);
  // Pulumi says nothing for some seconds.
  io.steps.line(`${stack.name}: ${meant.begins ? "makes the stack and its settings, then" : "first"} looks whether it can sail`);
  const takeBack = await prepare(meant, options);
  const course: Course = { hasChanged: false };
  try {
    io.signal.throwIfAborted();
    if (!(await goAhead(meant, options, io, course))) {
      await takeBack();
      io.note(`nothing has sailed, and nothing was changed`);
      return 1;
    }
  } catch (error) {
    // What has begun by these settings goes on by them.
    if (!course.hasChanged)
      await takeBack().catch((failed: unknown) => io.note(`not all that was set could be taken back: ${explain(failed)}`));
    else if (io.signal.aborted)
      io.note(
        `interrupted; what was made stays. To go on: ${pasteable(`pulumi up -s ${stack.name}`)}; to end it: ${pasteable(`pulumi destroy -s ${stack.name}`)}`,
      );
    throw error;
  }
  if (options.watch) await (await import("./status.ts")).status(stack.name, { watch: true }, io);
  return undefined;
}

/** How far a sail has come: whether a resource was changed, or was about to be. */
type Course = { hasChanged: boolean };

/** Makes the stack, if it is not there, and its settings. Returns how to take both back. */
async function prepare({ stack, plan, begins }: Meant, options: Options): Promise<() => Promise<void>> {
  let isNew = false;
  if (begins)
    isNew = await stack.pulumi(["stack", "init"]).then(
      () => true,
      (error: Error) => {
        if (/already exists/.test(error.message)) return false; // an earlier sail did not get further
        throw error;
      },
    );
  const settings = {
    ...(plan !== undefined && { plan: plan && pathFor(stack.folder, plan) }),
    ...meantSettings(options, stack.folder),
  };
  const undo = await writeSettings(stack, settings);
  return async () => {
    await undo();
    if (isNew) await stack.pulumi(["stack", "rm", "--yes"]);
  };
}

/** Shows what would sail, asks, and sails. Returns whether it did. */
async function goAhead({ stack }: Meant, options: Options, io: Io, course: Course): Promise<boolean> {
  const said = new Set<string>();
  // Where nobody is asked there is no preview: `up` looks at the same things, and says the same, before it begins.
  if (!options.yes && canAsk()) {
    await runShown(stack, ["preview"], io, { said });
    if (!(await ask(`Sail ${stack.name}?`, io))) return false;
  }
  const onChange = () => {
    course.hasChanged = true;
  };
  const { changes } = await runUp(stack, io, { said, onChange });
  course.hasChanged = true;
  const voyage = await readVoyageIdentity(stack.name);
  if (!voyage)
    throw new OcaptainError("NO_VOYAGE", `Pulumi has made no voyage "${stack.name}"`, { hint: `ocaptain sail ${stack.name}` });
  await sayWhatSails(stack, voyage, changes, io);
  return true;
}

/** Tells what an `up` has changed, and what comes next. */
async function sayWhatSails(stack: Stack, voyage: VoyageIdentity, changes: Ran["changes"], io: Io): Promise<void> {
  const { workspace } = voyageFolder(stack.name);
  const state = await helmClient()
    .lookAtVoyage(voyage.voyageId)
    .then(
      (status) => status.state,
      () => "unknown" as const,
    );
  const next = nextSteps(state, stack.name, workspace).map((step) => pasteable(step));
  if (io.json) {
    const from = { project: stack.folder, settings: voyage.sailedFrom?.settings ?? null };
    io.out(plainJson({ voyage: stack.name, id: voyage.voyageId, state, ...from, changes, workspace, next }, 2));
    return;
  }
  const { same = 0, ...rest } = changes;
  const did = Object.entries(rest).map(([op, count]) => `${count} ${op}`);
  const changed = did.length > 0 ? did.join(", ") : `nothing to change, ${same} as they were`;
  io.out(fold(`${stack.name} ${state === "unknown" ? "sails" : `is ${state}`}: ${changed}`, io.columns));
  for (const step of next) io.out(wrapCommand(step, io.columns, "  ", "    ").join("\n"));
}
