import { counted } from "../../lib/base/counted.ts";
import { explain } from "../../lib/base/errors.ts";
import { plain, plainJson } from "../../lib/base/text.ts";
import { findLeftovers } from "../leftovers/find.ts";
import type { Leftover, Look } from "../leftovers/leftover.ts";
import { ask, canAsk } from "../output/ask.ts";
import type { Io } from "../output/io.ts";

type Options = { yes?: boolean; fetch?: boolean };
/** What was done about one thing. `to`: the archive of the work that it held. `failed`: why it is still there. */
type Done = { name: string; to: string | null; failed: string | null };

/**
 * `ocaptain sweep` lists what carries this captain's mark and belongs to no voyage at sea, and removes it after a
 * question, or at once with `yes`. What holds work that is nowhere else stays, unless `fetch` brings that home first.
 * In the end everybody is asked again: what is told as removed is gone. Returns 1 while something is left.
 */
export async function sweep({ yes = false, fetch = false }: Options, io: Io): Promise<number> {
  io.steps.status("looking for what is left over …");
  const first = await findLeftovers();
  io.steps.status("");
  const mine = first.left.filter((each) => isToGo(each, fetch));
  if (!io.json) show(first, io);
  const isAsked = mine.length > 0 && !yes && !io.json && canAsk();
  const isMeant = mine.length > 0 && (yes || (isAsked && (await ask(question(mine, fetch), io))));
  if (isAsked && !isMeant) io.note("nothing was changed");
  const done = isMeant ? await removeAll(mine, fetch, io) : [];
  const last = done.length > 0 ? await findLeftovers() : first;
  const isLeft = (name: string) => last.left.some((each) => each.name === name);
  const removed = done.filter(({ name, failed }) => failed === null && !isLeft(name));
  const failed = done
    .filter((each) => !removed.includes(each))
    .map((each) => ({ ...each, failed: each.failed ?? "it was removed, and is there again" }));
  if (io.json) io.out(plainJson({ left: last.left.map(rowOf), removed, failed, notAsked: last.notAsked }, 2));
  else if (done.length > 0) tell(removed, failed, last, io);
  else if (mine.length > 0 && !isAsked)
    io.note(`ocaptain sweep --yes${fetch ? " --fetch" : ""} removes ${counted(mine.length, "of them", "of them")}`);
  return last.left.length > 0 ? 1 : 0;
}

const isToGo = ({ kept, fetch: bring }: Leftover, fetch: boolean) => kept === null || (fetch && bring !== undefined);

const question = (mine: readonly Leftover[], fetch: boolean) =>
  `Remove ${mine.length === 1 ? "it" : `these ${mine.length}`}?${fetch ? " The work that it holds is brought into an archive first." : ""}`;

/** VMs first: a machine of the tailnet may be the way to one. */
async function removeAll(mine: readonly Leftover[], fetch: boolean, io: Io): Promise<Done[]> {
  const done: Done[] = [];
  for (const each of mine) {
    io.signal.throwIfAborted();
    io.steps.status(`${each.name} …`);
    let to: string | null = null;
    try {
      if (fetch && each.fetch) to = await each.fetch();
      await each.remove();
      done.push({ name: each.name, to, failed: null });
    } catch (error) {
      done.push({ name: each.name, to, failed: explain(error) });
    }
  }
  io.steps.status("");
  return done;
}

function show({ left, notAsked }: Look, io: Io): void {
  if (left.length === 0) io.out("nothing is left over");
  for (const { name, message, kept, hint } of left) {
    io.out(`${plain(name)}  ${plain(message)}`);
    if (kept !== null)
      io.out(`  ${io.style("yellow", "stays:")} ${plain(kept)}${hint ? `\n    ${io.style("dim", `hint: ${plain(hint)}`)}` : ""}`);
  }
  for (const one of notAsked) io.note(`not asked: ${one}`);
}

function tell(removed: readonly Done[], failed: readonly Done[], { left }: Look, io: Io): void {
  for (const { name, to } of removed)
    io.out(`${io.style("green", "✓")} ${plain(name)} is gone${to ? `; what it held: ${plain(to)}` : ""}`);
  for (const { name, failed: why, to } of failed)
    io.out(`${io.style("red", "✗")} ${plain(name)}: ${plain(why ?? "")}${to ? `; what it held: ${plain(to)}` : ""}`);
  io.out(left.length === 0 ? "nothing is left over" : `${counted(left.length, "thing is", "things are")} left`);
}

const rowOf = ({ kind, name, voyage, message, kept, hint }: Leftover) => ({ kind, name, voyage, message, kept, hint });
