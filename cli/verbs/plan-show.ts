import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { counted } from "../../lib/base/counted.ts";
import { OcaptainError } from "../../lib/base/errors.ts";
import { withHome } from "../../lib/base/paths.ts";
import { typedWord } from "../../lib/base/shell-word.ts";
import { plainJson } from "../../lib/base/text.ts";
import { reachOf } from "../../lib/plan/reach.ts";
import type { Io } from "../output/io.ts";
import { table } from "../output/table.ts";
import { wrap } from "../output/wrap.ts";
import { asDot, asMermaid, asSvg } from "../plan/drawings.ts";
import { earlierTasks } from "../plan/earlier-tasks.ts";
import { type GraphView, viewGraph } from "../plan/graph-view.ts";
import { basis, lengthText, shipRows } from "../plan/makespans.ts";
import { readSoundGraph } from "../plan/sound-graph.ts";
import { overlaps } from "../plan/warnings/overlaps.ts";

type Options = { svg?: string; mermaid?: boolean; dot?: boolean };

/** `ocaptain plan show <folder>` shows a plan's graph, and how many ships it is worth. */
export async function planShow(word: string, { svg, mermaid, dot }: Options, io: Io): Promise<void> {
  if ([mermaid, dot, io.json].filter(Boolean).length > 1)
    throw new OcaptainError("USAGE", "--mermaid, --dot and --json each fill the output: one of them can be had at a time", {
      hint: "ocaptain plan show --help",
    });
  const { name, tasks } = await readSoundGraph(withHome(word), word);
  const view = viewGraph(name, tasks, (await earlierTasks())?.minutes);
  if (svg !== undefined) {
    await writeFile(resolve(withHome(svg)), asSvg(view));
    io.note(`the graph is drawn in ${svg}`);
  }
  if (mermaid) return io.out(asMermaid(view));
  if (dot) return io.out(asDot(view));
  const contended = overlaps(tasks, () => reachOf(tasks)).found.map(({ task }) => task);
  if (io.json) return io.out(plainJson({ ...asJson(view), overlapping: contended }, 2));
  for (const line of [...head(view, io), "", ...waves(view, io), "", ...ships(view, io)]) io.out(line);
  if (contended.length > 0)
    io.note(
      `${counted(contended.length, "task writes", "tasks write")} files that others may write at the same time: ${
        view.worthwhile.followsTouches
          ? "they are kept apart while other work is free, and else may be in conflict, which these times leave out"
          : "they touch so much that these times leave it out"
      }; fewer ships may do as well\n  hint: ocaptain plan check ${typedWord(word)}`,
    );
  io.note(`next: ocaptain sail ${typedWord(word)} -n ${view.worthwhile.ships}`);
}

function head(view: GraphView, io: Io): string[] {
  const { name, tasks, width, criticalPath, unit, worthwhile } = view;
  const path = criticalPath.map(({ id }) => `#${id}`).join(" → ");
  const long = unit === "minutes" ? `, ${lengthText(worthwhile.least, unit)}` : "";
  return [
    `${io.style("bold", name)}: ${counted(tasks.length, "task")} in ${counted(view.waves.length, "wave")}, at most ${width} at a time`,
    ...wrap(`critical path (*): ${counted(criticalPath.length, "task")}${long}: ${path}`, io.columns, "", "  "),
  ];
}

function waves({ tasks, unit }: GraphView, io: Io): string[] {
  let last = 0;
  const rows = tasks.map(({ id, subject, wave, blockedBy, length, isCritical }) => {
    const isFirst = wave !== last;
    last = wave;
    const paint = isCritical ? (text: string) => io.style("red", text) : undefined;
    return [
      { text: isFirst ? String(wave) : "" },
      { text: `${isCritical ? "*" : " "}#${id}`, paint },
      { text: subject },
      { text: unit === "minutes" ? String(Math.round(length * 10) / 10) : "" },
      { text: blockedBy.map((blocker) => `#${blocker}`).join(" ") },
    ];
  });
  return table(["WAVE", " TASK", "SUBJECT", "MINUTES", "AFTER"], rows, io.columns);
}

function ships(view: GraphView, io: Io): string[] {
  const { unit, worthwhile } = view;
  const rows = shipRows(view).map(({ ships, makespan, gain, recommended }) => [
    { text: String(ships) },
    { text: lengthText(makespan, unit) },
    { text: gain === null ? "" : `${(gain * 100).toFixed(gain < 0.1 ? 1 : 0)} %` },
    { text: recommended ? "← recommended" : "", paint: (text: string) => io.style("green", text) },
  ]);
  const what = `${counted(worthwhile.ships, "ship is", "ships are")} worth it: past that another one gains less than 5 %`;
  return [
    ...table(["SHIPS", "TIME", "GAIN", "  "], rows, io.columns),
    "",
    ...wrap(`${what}, ${basis(view)}.`, io.columns, "", "  "),
  ];
}

const asJson = (view: GraphView) => ({
  name: view.name,
  tasks: view.tasks.map(({ id, subject, wave, blockedBy, length, isCritical }) => ({
    ...{ id, subject, wave, blockedBy, length, critical: isCritical },
  })),
  waves: view.waves.map((wave) => wave.map(({ id }) => id)),
  width: view.width,
  criticalPath: { tasks: view.criticalPath.map(({ id }) => id), length: view.worthwhile.least },
  unit: view.unit,
  estimates: { fromPlan: view.estimates.estimated, others: view.estimates.others },
  ships: shipRows(view),
  recommended: view.worthwhile.ships,
  followsTouches: view.worthwhile.followsTouches,
});
