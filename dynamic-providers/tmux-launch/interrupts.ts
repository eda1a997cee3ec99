import { isDeepStrictEqual } from "node:util";
import { helmClient } from "../../lib/daemons/helm-client.ts";
import type { TmuxLaunchInputs } from "./inputs.ts";

/**
 * Tells which task a ship has at work, where a change of the crew's inputs ends that crew before another one starts.
 * Without an answer of the helm nothing is known to be at work.
 */
export async function interrupts(news: Partial<TmuxLaunchInputs>, olds: Partial<TmuxLaunchInputs>): Promise<string | null> {
  const why = reason(news, olds);
  const { voyageId, ship, incarnation } = olds;
  if (!why || !voyageId || !ship) return null;
  const helm = helmClient();
  const row = await helm.ship(voyageId, ship).catch(() => null);
  if (!row || row.task === null || row.incarnation !== incarnation) return null;
  const subject = await helm.task(voyageId, row.task).then(
    (task) => ` (${task.subject})`,
    () => "",
  );
  return `${ship}: task ${row.task}${subject} is at work; it is stopped, given back and begun anew, since ${why}`;
}

function reason(news: Partial<TmuxLaunchInputs>, olds: Partial<TmuxLaunchInputs>): string | null {
  if (news.crewDigest !== undefined && news.crewDigest !== olds.crewDigest) return "the crew is of another version of ocaptain";
  if (news.provision !== undefined && !isDeepStrictEqual(news.provision, olds.provision))
    return "the plan's provision steps have changed";
  return null;
}
