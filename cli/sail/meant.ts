import { existsSync, realpathSync } from "node:fs";
import { basename, resolve } from "node:path";
import { OcaptainError } from "../../lib/base/errors.ts";
import { checkStackName, MAX_STACK_NAME } from "../../lib/base/naming.ts";
import { withHome } from "../../lib/base/paths.ts";
import { readVoyageIdentity, type VoyageIdentity } from "../../lib/voyage/identity.ts";
import { settingIn } from "../../lib/voyage/settings-file.ts";
import { allVoyages } from "../../lib/watch/known.ts";
import { findVoyage } from "../target/choose-voyage.ts";
import { projectHere, projectOf } from "./project.ts";
import { slug } from "./slug.ts";
import { openStack, type Stack, stackOf } from "./stack.ts";

/** What a `sail` is about. */
export type Meant = {
  stack: Stack;
  /** The plan's folder; "" for a sail without a plan; undefined where the voyage's settings say it. */
  plan: string | undefined;
  /** Whether no voyage has this stack's name yet. */
  begins: boolean;
  /** A remark, where the name is another than one would expect. */
  remark?: string;
};

/** The name of a sail without a plan. */
const ORDERS = "orders";

const isPath = (word: string | undefined) => word !== undefined && /^[./~]/.test(word);
const NO_PLAN = "ocaptain init  # makes an example of a plan, plans/example; ocaptain ls --all shows the voyages that there are";

/**
 * Works out what `ocaptain sail WORD` means: a voyage by its stack's name or id, else the folder of a plan; without a
 * word a sail without a plan. A path with `/` or `.` at its beginning is always a folder.
 * @throws OcaptainError NO_PLAN, STACK_NAME, NAME_TAKEN, PROJECT_GONE
 */
export async function whatToSail(word: string | undefined, name: string | undefined): Promise<Meant> {
  if (name !== undefined) checkStackName(name);
  if (word !== undefined && !isPath(word)) {
    const { known } = await allVoyages();
    const isVoyage = known.some(({ file }) => file.voyageId === word || file.stack === word);
    if (isVoyage && name === undefined)
      return { stack: await stackOf((await findVoyage(word)).file), plan: undefined, begins: false };
  }
  const plan = word === undefined ? "" : resolve(withHome(word));
  if (plan && !existsSync(plan))
    throw new OcaptainError(
      "NO_PLAN",
      `there is no folder ${plan}${isPath(word) ? "" : `, and no voyage "${word}"`}; a plan is a folder with spec.md, voyage.json and tasks/`,
      { hint: NO_PLAN },
    );
  return name === undefined ? byPlan(plan, word) : named(name, plan);
}

/** The voyage of that name goes on, or begins. Whether its plan is another one, preflight sees. */
async function named(name: string, plan: string): Promise<Meant> {
  const voyage = await readVoyageIdentity(name);
  if (!voyage) return { stack: openStack(name, await projectHere()), plan, begins: true };
  const stack = await stackOf(voyage).catch(async (error: unknown) => {
    // Its settings are gone with that project, and are said anew.
    if (error instanceof OcaptainError && error.code === "PROJECT_GONE") return openStack(name, await projectHere());
    throw error;
  });
  return { stack, plan, begins: false };
}

/** The voyage that is at sea with this plan, else a new one under the first name that is free. */
async function byPlan(plan: string, word: string | undefined): Promise<Meant> {
  const base = `voyage-${slug(plan ? basename(plan) : ORDERS)}`;
  for (let number = 1; ; number += 1) {
    const stack = number === 1 ? base : `${base.slice(0, MAX_STACK_NAME - 4)}-${number}`;
    const voyage = await readVoyageIdentity(stack);
    const remark = number === 1 ? {} : { remark: `voyage "${base}" has sunk; this one is "${stack}"` };
    if (!voyage) return { stack: openStack(stack, await projectHere()), plan, begins: true, ...remark };
    if (voyage.sunkAt) continue;
    if (await sails(voyage, plan)) return { stack: await stackOf(voyage), plan, begins: false, ...remark };
    throw new OcaptainError("NAME_TAKEN", `voyage "${stack}" is at sea, and not with this plan`, {
      hint: `ocaptain sail ${word ?? ""} --name ${stack}-2  # or go on with what is at sea: ocaptain sail ${stack}`.replace(
        "  --",
        " --",
      ),
    });
  }
}

/** Whether a voyage's settings name this plan. */
async function sails({ sailedFrom, stack }: VoyageIdentity, plan: string): Promise<boolean> {
  const text = sailedFrom?.settings && settingIn(sailedFrom.settings, "plan");
  if (typeof text !== "string") return false;
  if (text === "" || plan === "") return text === plan;
  return real(resolve(await projectOf({ stack, sailedFrom }), withHome(text))) === real(plan);
}

const real = (path: string) => (existsSync(path) ? realpathSync(path) : path);
