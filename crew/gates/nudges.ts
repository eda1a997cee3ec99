import { lstatSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";

/** The most of one nudge that is told to the model: what is longer was not left here by the captain's command. */
const MOST_CHARACTERS = 16_384;

/**
 * Takes what the captain has left on this ship for the session of one claim (cli/ship/nudge-hand.ts): files named by
 * task and epoch in `~/voyage/crew/nudges`. Each is taken once; what was left for an earlier claim is thrown away.
 * Returns the words as the model is told them; null when there are none.
 */
export function takeNudges(crew: string, task: string, epoch: number): string | null {
  const folder = join(crew, "nudges");
  const words: string[] = [];
  for (const name of namesIn(folder)) {
    // One that is being written begins with a dot.
    if (name.startsWith(".")) continue;
    const file = join(folder, name);
    // An agent may have put something else there, on which reading would wait.
    const isOurs = name.startsWith(`${task}-${epoch}.`) && lstatSync(file, { throwIfNoEntry: false })?.isFile();
    if (isOurs) words.push(readFileSync(file, "utf8").slice(0, MOST_CHARACTERS).trim());
    rmSync(file, { recursive: true, force: true });
  }
  return words.length === 0 ? null : `The captain says, while you work:\n\n${words.join("\n\n")}`;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}
