import { firstHeading, type Line, linesOf } from "./markdown.ts";
import { guessOrder, type Track } from "./order.ts";
import { badSource, refuseTwins, type Source, type SourceFile, type SourceTask } from "./shape.ts";
import { pathsIn } from "./touches.ts";

/** A task: a box, its number, and what is to be done; marks such as [P] and [US1] stand between. */
const TASK = /^\s*[-*] \[([ xX])\] \**(T\d{3,9}[a-z]?)\b\**[.:]? *(.*)$/;
const MARK = /^\[(P|US\d{1,3})\]\s*/;
const BOX = /^\s*[-*] \[[ xX]\]/;
const PHASE_LINE = /^\**(goal|purpose|independent test|checkpoint)\b[^:]{0,40}:?\**:? +(.+)$/i;

type Phase = { heading: string; about: string[]; tasks: SpecKitTask[] };
type SpecKitTask = SourceTask & { line: number; isFree: boolean; saysItself: boolean; story: string | undefined };

/**
 * Reads `tasks.md` of a feature of spec-kit. Phases follow each other. Within a phase a task with the mark [P] waits
 * for nothing, and one without it for all before it; what a text itself says ("depends on T012") goes before that.
 *
 * @param documents  The documents beside the list, such as spec.md and plan.md.
 * @param isParallel  Whether the phases of user stories are independent of each other.
 * @throws OcaptainError SOURCE
 */
export function readSpecKit(list: SourceFile, documents: readonly SourceFile[], isParallel: boolean): Source {
  const lines = linesOf(list.name, list.text);
  const notes: string[] = [];
  const phases = phasesOf(list.name, lines, notes);
  const tasks = phases.flatMap((phase) => phase.tasks);
  if (tasks.length === 0) throw badSource(list.name, undefined, "there is no task in it, such as: - [ ] T001 Set up the project");
  refuseTwins(tasks);
  const order = tasks.map((task) => task.id);
  for (const task of tasks) {
    const stated = statedIn(task.text, order);
    task.saysItself = stated.length > 0;
    task.after = [...new Set([...task.after.flatMap((said) => statedIn(said, order)), ...stated])].filter((id) => id !== task.id);
  }
  for (const phase of phases) for (const task of phase.tasks) task.text = withPhase(task, phase);
  const { guesses, contradicted } = guessOrder(stagesOf(phases, isParallel), {
    inTrack: "it is not marked [P]: it waits for those before it in its phase",
    betweenStages: isParallel ? "its phase waits for the one before it" : "phases, and with them stories, follow each other",
  });
  for (const { task, after } of contradicted)
    notes.push(`${task} does not wait for ${after}, which stands before it, since the file states another order.`);
  const title = firstHeading(lines)?.replace(/^tasks:\s*/i, "") ?? "Tasks of spec-kit";
  return { title, tasks, wholes: [], guesses, documents: [...documents, ...proseOf(list.name, lines)], notes };
}

function phasesOf(file: string, lines: readonly (Line & { isCode: boolean })[], notes: string[]): Phase[] {
  let phase: Phase = { heading: "", about: [], tasks: [] };
  const phases = [phase];
  let part = "";
  let last: SpecKitTask | undefined;
  for (const { text, number, isCode } of lines) {
    if (isCode) {
      if (last && /^\s/.test(text)) last.text += `\n${text.trim()}`;
      continue;
    }
    const heading = /^(#{2,6}) +(.*?)\s*#*$/.exec(text);
    const task = TASK.exec(text);
    if (heading) {
      last = undefined;
      part = heading[1]!.length > 2 ? heading[2]! : "";
      if (heading[1]!.length === 2) {
        phase = { heading: heading[2]!, about: [], tasks: [] };
        phases.push(phase);
      }
    } else if (task) {
      last = taskOf(file, number, task[1]!, task[2]!, task[3]!, part);
      phase.tasks.push(last);
    } else if (last && /^\s+\S/.test(text)) {
      last.text += `\n${text.trimEnd()}`;
    } else if (BOX.test(text)) {
      last = undefined;
      notes.push(`${file}:${number}: a box without a task's number is left out: ${text.trim().slice(0, 80)}`);
    } else if (text.trim() !== "") {
      last = undefined;
      const about = PHASE_LINE.exec(text);
      if (about) phase.about.push(`${about[1]}: ${about[2]}`);
    }
  }
  return phases.filter((each) => each.tasks.length > 0);
}

function taskOf(file: string, line: number, box: string, id: string, words: string, part: string): SpecKitTask {
  const marks: string[] = [];
  let rest = words;
  for (let mark = MARK.exec(rest); mark; mark = MARK.exec(rest)) {
    marks.push(mark[1]!);
    rest = rest.slice(mark[0].length);
  }
  const title = rest.trim() || id;
  return {
    ...{ id, title, text: title, line, file },
    state: box === " " ? "open" : "done",
    status: box === " " ? "open" : "done",
    // What a heading says of those for which its tasks wait is read when all tasks are known.
    after: /\bdepend/i.test(part) ? [part] : [],
    touches: pathsIn(rest),
    isFree: marks.includes("P"),
    saysItself: false,
    story: marks.find((mark) => mark !== "P"),
  };
}

/** Writes what who does the task must know of its phase below the task's own text. */
function withPhase(task: SpecKitTask, { heading, about }: Phase): string {
  return [task.text, "", heading, ...about].join("\n").trim();
}

const AFTER = /\bdepend(?:s|ent|ing)? (?:up)?on:? */gi;
const ONE_OR_MORE =
  /(?:\s*(?:,|and|&|\+|;|\/)\s*)*\s*[[*`]{0,3}\b(T\d{3,9}[a-z]?)\b[\]*`]{0,3}(?:\s*[–—-]\s*(T\d{3,9}[a-z]?)\b)?/y;

/** Finds the tasks for which a text says to wait: "(depends on T012, T014–T016)". `order` has all ids, for ranges. */
function statedIn(text: string, order: readonly string[]): string[] {
  const found: string[] = [];
  for (const { index, 0: words } of text.matchAll(AFTER)) {
    ONE_OR_MORE.lastIndex = index + words.length;
    for (let each = ONE_OR_MORE.exec(text); each; each = ONE_OR_MORE.exec(text)) {
      const [from, to] = [order.indexOf(each[1]!), order.indexOf(each[2] ?? "")];
      found.push(...(from >= 0 && to > from ? order.slice(from, to + 1) : [each[1]!, ...(each[2] ? [each[2]] : [])]));
    }
  }
  return [...new Set(found)];
}

/** A story's phases are next to each other; all others stand alone, and so block what comes after them. */
function stagesOf(phases: readonly Phase[], isParallel: boolean): Track[][] {
  const stages: { isStories: boolean; tracks: Track[] }[] = [];
  for (const { heading, tasks } of phases) {
    const isStories = isParallel && (/\buser story\b|\bUS\d/i.test(heading) || tasks.every((task) => task.story !== undefined));
    const byId = new Map(tasks.map((task) => [task.id, task]));
    const track: Track = {
      tasks,
      isFree: ({ id }) => byId.get(id)!.isFree,
      saysItself: ({ id }) => byId.get(id)!.saysItself,
    };
    const last = stages.at(-1);
    if (isStories && last?.isStories) last.tracks.push(track);
    else stages.push({ isStories, tracks: [track] });
  }
  return stages.map(({ tracks }) => tracks);
}

/** The section in which the list itself speaks of order. It is prose, and goes into spec.md as it is. */
function proseOf(file: string, lines: readonly (Line & { isCode: boolean })[]): SourceFile[] {
  const from = lines.findIndex(({ text, isCode }) => !isCode && /^## .*\bdependenc/i.test(text));
  if (from < 0) return [];
  const to = lines.findIndex(({ text, isCode }, index) => index > from && !isCode && /^## /.test(text));
  const prose = lines.slice(from, to < 0 ? undefined : to).map(({ text }) => text);
  return [{ name: `${file} (what it says of the order)`, text: prose.join("\n") }];
}
