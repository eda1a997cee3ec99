import { OcaptainError } from "../../../lib/base/errors.ts";
import { collectStatus } from "../../../lib/watch/collect.ts";
import { endOf } from "../../../lib/watch/end-of.ts";
import type { KnownVoyage } from "../../../lib/watch/known.ts";
import type { StatusView } from "../../../lib/watch/view.ts";
import { type History, historyOf } from "../history.ts";

/** What a voyage has come to, as a landing begins with it. */
export type Standing = {
  view: StatusView;
  history: History;
  /** Whether verify.sh has succeeded at the tip. */
  isVerified: boolean;
};

/** Looks at the voyage: what is on its branch, and whether that was verified. @throws OcaptainError NO_BRANCH */
export async function standingOf(voyage: KnownVoyage): Promise<Standing> {
  const view = await collectStatus(voyage);
  const history = await historyOf(voyage);
  // The ledger says it also where no helm has the voyage.
  const isVerified =
    view.from === "helm" && view.state !== "sunk"
      ? view.state === "verified" && view.tip === history.tip
      : endOf(voyage.folder.ledger, history.tip) === "verified";
  return { view, history, isVerified };
}

/**
 * Refuses what cannot land, whatever its base is. A tip at which verify.sh is yet to run may be a merge of the base,
 * and is let pass.
 * @throws OcaptainError NOTHING_TO_LAND, NOT_VERIFIED
 */
export function assertLandable({ view, history, isVerified }: Standing, isUnverifiedAllowed: boolean): void {
  const { stack, state } = view;
  if (history.tasks.length === 0)
    throw new OcaptainError("NOTHING_TO_LAND", `voyage "${stack}" has accepted no task yet: there is nothing to land`, {
      hint: `ocaptain status ${stack}`,
    });
  if (!isVerified && !isUnverifiedAllowed && state !== "verifying") throw notVerified(view, history.tip);
}

export const notVerified = (view: StatusView, tip: string): OcaptainError =>
  new OcaptainError("NOT_VERIFIED", `${view.stack} at ${short(tip)} is not verified: ${whyNotVerified(view)}`, {
    hint: `${wayOut(view)}; or ocaptain land ${view.stack} --unverified, and the pull request says so`,
  });

/** Why no run of verify.sh has succeeded at the tip, in the words of people. */
function whyNotVerified({ state, sunkAs, tasks }: StatusView): string {
  switch (state) {
    case "failed":
      return "verify.sh has failed there";
    case "verifying":
      return "verify.sh has no result there yet";
    case "done":
      return "its plan has no verify.sh";
    case "sunk":
      return sunkAs === "done" ? "its plan has no verify.sh" : "the fleet has sunk before that";
    case "verified":
      return "the branch has just moved";
    case "unknown":
      return "the helm does not answer, and its ledger tells of no success";
    default:
      return `it is ${state}, with ${tasks.accepted} of ${tasks.total - tasks.cancelled} tasks accepted`;
  }
}

/** The command that brings the voyage on. */
function wayOut({ state, sunkAs, stack }: StatusView): string {
  if (state === "done" || sunkAs === "done") return `give the plan a verify.sh, and pulumi up -s ${stack}`;
  if (state === "sunk" || state === "unknown") return `pulumi up -s ${stack}`;
  if (state === "failed") return `ocaptain status ${stack}  # shows what verify.sh has printed`;
  return `ocaptain wait ${stack}`;
}

/** A commit as people name it. */
export const short = (commit: string): string => commit.slice(0, 8);
