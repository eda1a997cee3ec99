import { counted } from "../../../lib/base/counted.ts";
import { firstLine } from "../../../lib/base/text.ts";
import type { Forge } from "../../forge/forge.ts";
import type { Intention } from "./intend.ts";
import type { LandAsk } from "./options.ts";
import { short } from "./standing.ts";

/** What would happen, a line a step. */
export function describe(plan: Intention, forge: Forge | null, ask: LandAsk): string[] {
  const { stack, history, base, standing } = plan;
  const work = counted(history.tasks.length, "task");
  return [
    `${stack} at ${short(history.tip)}, ${standing.isVerified ? "verified" : "not verified"}: ${work}, to ${plan.place.said}`,
    ...followed(plan, ask),
    `${pushed(plan)}, to land in ${base.branch}`,
    ...asked(plan, forge, ask),
  ];
}

function followed({ base, update, isAwaited }: Intention, ask: LandAsk): string[] {
  if (base.ahead === 0) return isAwaited ? ["waits for verify.sh, which runs on a ship"] : [];
  const moved = `${base.branch} has moved on by ${counted(base.ahead, "commit")}`;
  if (!ask.update) return [`${moved}, which is left as it is`];
  if (update.kind === "conflict")
    return [
      `${moved}, in conflict in ${counted(update.files.length, "file")} (${update.files.slice(0, 5).map(firstLine).join(", ")}): a task for the fleet is made of it, and nothing is pushed before that is done`,
    ];
  return [`${moved}: it is merged into the voyage's branch${ask.unverified ? "" : ", and verify.sh runs again on a ship"}`];
}

function pushed({ how, branch, count, history }: Intention): string {
  if (how === "stack") return `pushes a stack of ${counted(count, "branch", "branches")}, ${branch}/1 to ${branch}/${count}`;
  return how === "squash" ? `pushes branch ${branch}, as one commit` : `pushes branch ${branch}, ${short(history.tip)} as it is`;
}

function asked({ how }: Intention, forge: Forge | null, ask: LandAsk): string[] {
  if (ask.pushOnly) return [];
  if (forge === null) return ["makes no pull request, as the server has no API that is known here"];
  const what = how === "stack" ? "a pull request for each" : "a pull request";
  const merged = ask.merge ? `, and has it merged` : "";
  return [
    `makes ${what} at ${forge.place.web}, ${ask.ready || ask.merge ? "ready for review" : "as a draft"}, or updates the open one${merged}`,
  ];
}
