import { firstHeading, linesOf } from "./markdown.ts";
import { guessOrder } from "./order.ts";
import { badSource, refuseTwins, type Source, type SourceFile, type SourceTask } from "./shape.ts";
import { pathsIn } from "./touches.ts";

const BOX = /^(\s*)[-*] \[([ xX])\] +(.*)$/;
const NUMBER = /^\**(\d{1,4}(?:\.\d{1,4}){0,4})[.):]?\**\s+(\S.*)$/;

type Group = { heading: string; tasks: (SourceTask & { line: number })[] };

/**
 * Reads `tasks.md` of a change of OpenSpec: groups in order, and the tasks of a group in order.
 *
 * @param documents  The change's proposal, design and specs.
 * @param isParallel  Whether the tasks of a group are independent of each other.
 * @throws OcaptainError SOURCE
 */
export function readOpenSpec(list: SourceFile, documents: readonly SourceFile[], isParallel: boolean): Source {
  const lines = linesOf(list.name, list.text);
  const notes: string[] = [];
  const groups: Group[] = [{ heading: "", tasks: [] }];
  for (const { text, number, isCode } of lines) {
    const group = groups.at(-1)!;
    const last = group.tasks.at(-1);
    const heading = isCode ? null : /^#{2,6} +(.*?)\s*#*$/.exec(text);
    const box = isCode ? null : BOX.exec(text);
    const numbered = box && NUMBER.exec(box[3]!);
    if (heading) groups.push({ heading: heading[1]!, tasks: [] });
    else if (box && (numbered || box[1] === "" || !last)) {
      const id = numbered ? numbered[1]! : unnumbered(group, groups.length - 1);
      if (!numbered) notes.push(`${list.name}:${number}: a task without a number is called ${id}.`);
      const words = (numbered ? numbered[2]! : box[3]!).trim();
      if (words === "") throw badSource(list.name, number, "the box has no text: what is to be done?");
      const done = box[2] !== " ";
      group.tasks.push({
        ...{ id, title: words, text: words, line: number, file: list.name, after: [], touches: [] },
        state: done ? "done" : "open",
        status: done ? "done" : "open",
      });
    } else if (last && /^\s+\S/.test(text)) last.text += `\n${text.trimEnd()}`;
  }
  const tasks = groups.flatMap((group) => group.tasks);
  if (tasks.length === 0) throw badSource(list.name, undefined, "there is no task in it, such as: - [ ] 1.1 Add the field");
  refuseTwins(tasks);
  for (const group of groups)
    for (const task of group.tasks) {
      task.touches = pathsIn(task.text);
      if (group.heading) task.text += `\n\n${group.heading}`;
    }
  const { guesses } = guessOrder(
    groups.map((group) => [{ tasks: group.tasks, isFree: () => isParallel, saysItself: () => false }]),
    { inTrack: "tasks follow each other, as the list has them", betweenStages: "groups follow each other, as the list has them" },
  );
  const proposal = documents.find(({ name }) => name.endsWith("proposal.md"));
  const title = proposal && firstHeading(linesOf(proposal.name, proposal.text));
  return {
    title: title?.replace(/^(change|proposal):\s*/i, "") ?? "",
    tasks,
    wholes: [],
    guesses,
    documents: [...documents],
    notes,
  };
}

/** The id of a task to which the list gives none: its group, and its place among those without a number there. */
const unnumbered = (group: Group, at: number) => `${at}.u${group.tasks.filter(({ id }) => id.includes(".u")).length + 1}`;
