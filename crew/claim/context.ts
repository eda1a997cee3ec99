import type { Grant, HelloReply } from "../../lib/protocol/ship-api.ts";
import type { Heartbeat } from "../helm/heartbeat.ts";
import type { HelmClient } from "../helm/helm-client.ts";
import type { Journal } from "../machine/journal.ts";
import type { ThisShip } from "../machine/ship.ts";
import { identityOf, withoutGit } from "../tree/git.ts";
import type { Tree } from "../tree/tree.ts";
import type { Window } from "../window/window.ts";

/** What a claim is worked with. */
export type Deck = {
  ship: ThisShip;
  hello: HelloReply;
  helm: HelmClient;
  heartbeat: Heartbeat;
  tree: Tree;
  journal: Journal;
  /** The claim was an earlier crew's, and the tree is as that left it. */
  resumes: boolean;
  /** Where the hand `claude` is seen. */
  window: Window;
};

/** Its own answer decides from here (crew/helm/heartbeat.ts). */
export async function settle<T>(deck: Deck, ask: () => Promise<T>): Promise<T> {
  deck.heartbeat.settling = true;
  try {
    return await ask();
  } finally {
    deck.heartbeat.settling = false;
  }
}

/** What a hand and its check run with: no secret is in it. */
export function handEnvironment(deck: Deck, { task, epoch }: Grant): NodeJS.ProcessEnv {
  return { ...handBaseEnvironment(deck), TASK_ID: task.id, TASK_SUBJECT: task.subject, TASK_EPOCH: String(epoch) };
}

/** The same, without a task. */
export function handBaseEnvironment({ ship, hello }: Deck): NodeJS.ProcessEnv {
  return {
    ...withoutGit(process.env),
    ...identityOf(ship),
    SHIP: ship.config.ship,
    VOYAGE: ship.config.voyageId,
    VOYAGE_NAME: hello.voyage.name,
  };
}
