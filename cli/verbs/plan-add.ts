import { join } from "node:path";
import { OcaptainError } from "../../lib/base/errors.ts";
import { withHome } from "../../lib/base/paths.ts";
import { plainJson } from "../../lib/base/text.ts";
import type { Io } from "../output/io.ts";
import { addTask } from "../plan/add-task.ts";
import { idOf, listOf } from "../target/typed-list.ts";

type Options = { after?: string; description?: string; check?: string; touches?: string; estimate?: string };

/** `ocaptain plan add <folder> <subject>` adds a task to a plan, and prints its file. */
export async function planAdd(word: string, subject: string, options: Options, io: Io): Promise<void> {
  const folder = withHome(word);
  const { after, description = subject, check, touches, estimate } = options;
  const { file, text, changed } = await addTask(folder, word, {
    subject,
    description,
    blockedBy: listOf(after).map(idOf),
    check,
    touches: touches === undefined ? undefined : listOf(touches),
    estimateMinutes: estimate === undefined ? undefined : minutes(estimate),
  });
  if (io.json) return io.out(plainJson({ file, task: JSON.parse(text), changed }, 2));
  io.note(`${file}:`);
  io.out(text.trimEnd());
  for (const { file: other, field, message } of changed) io.note(`${join(folder, other)} ${field} ${message}`);
}

function minutes(text: string): number {
  if (/^\d+(\.\d+)?$/.test(text) && Number(text) > 0) return Number(text);
  throw new OcaptainError("USAGE", `--estimate ${text}: must be a number of minutes`, { hint: "ocaptain plan add --help" });
}
