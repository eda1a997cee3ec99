import type { Journal } from "../machine/journal.ts";
import type { ThisShip } from "../machine/ship.ts";
import type { RunGit } from "./git.ts";
import type { HelmRepository } from "./helm-repository.ts";
import type { TreeNotes } from "./notes.ts";

/** What every piece of work on the ship's tree needs. */
export type TreeContext = {
  ship: ThisShip;
  journal: Journal;
  /** The voyage's repository at the helm. */
  remote: HelmRepository;
  /** What the crew remembers of the tree from one claim to the next. */
  notes: TreeNotes;
  /** Runs git in the crew's own repository, until `signal` aborts. */
  git: (signal: AbortSignal) => RunGit;
};

/** The ref of the commit that was pushed last for a claim: what it holds has been delivered, and need not be saved. */
export const PUSHED = "refs/remotes/ships/pushed";
