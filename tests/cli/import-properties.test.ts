import fc from "fast-check";
import { expect, test } from "vitest";
import { readBacklog } from "../../cli/plan/import/backlog.ts";
import { readBeads } from "../../cli/plan/import/beads.ts";
import { readGithub } from "../../cli/plan/import/github.ts";
import { readOpenSpec } from "../../cli/plan/import/openspec.ts";
import { settle } from "../../cli/plan/import/settle.ts";
import type { Source } from "../../cli/plan/import/shape.ts";
import { readSpecKit } from "../../cli/plan/import/spec-kit.ts";
import { readTaskMaster } from "../../cli/plan/import/task-master.ts";
import { findCycles } from "../../lib/plan/graph.ts";

/**
 * A list of tasks, whatever the format is: each waits for some of those before it in a hidden order, and stands where
 * the shuffled list has it. `group` is its phase, its group, or the whole of which it is a part.
 */
type Task = { number: number; done: boolean; after: number[]; free: boolean; group: number };

const lists = fc
  .array(
    fc.record({
      done: fc.boolean(),
      free: fc.boolean(),
      group: fc.nat(3),
      links: fc.array(fc.nat(1_000), { maxLength: 3 }),
      at: fc.nat(1_000),
    }),
    { minLength: 1, maxLength: 14 },
  )
  .map((rows) => {
    const order = rows.map((row, index) => ({ at: row.at, index })).sort((a, b) => a.at - b.at || a.index - b.index);
    const places = new Map(order.map(({ index }, place) => [index, place + 1]));
    return rows
      .map(
        ({ links, ...row }, index): Task => ({
          ...row,
          number: places.get(index)!,
          after: [...new Set(index === 0 ? [] : links.map((link) => places.get(link % index)!))],
        }),
      )
      .sort((a, b) => a.number - b.number);
  });

/** A format: how a list is written in it, which id a task has there, and whether it can say what a task waits for. */
type Format = { print: (tasks: Task[], parallel: boolean) => Source; id: (task: Task) => string; links: boolean };

const pad = (number: number) => `T${String(number).padStart(3, "0")}`;
const issue = ({ number, done, after: _ }: Task) => ({
  number,
  title: `Task ${number}`,
  body: "",
  state: done ? "closed" : "open",
  repository_url: "https://api.github.com/repos/o/n",
});

const FORMATS: Record<string, Format> = {
  "spec-kit": {
    links: true,
    id: ({ number }) => pad(number),
    print: (tasks, parallel) => {
      const line = ({ number, done, after, free }: Task) =>
        `- [${done ? "x" : " "}] ${pad(number)} ${free ? "[P] " : ""}Do it${after.length > 0 ? ` (depends on ${after.map(pad).join(", ")})` : ""}`;
      const phases = [0, 1, 2, 3].map((group) =>
        [
          `## Phase ${group}: ${group > 1 ? "User Story" : "Setup"}`,
          "",
          ...tasks.filter((task) => task.group === group).map(line),
        ].join("\n"),
      );
      return readSpecKit({ name: "tasks.md", text: phases.join("\n\n") }, [], parallel);
    },
  },
  openspec: {
    links: false,
    id: ({ number, group }) => `${group}.${number}`,
    print: (tasks, parallel) => {
      const groups = [0, 1, 2, 3].map((group) =>
        [
          `## ${group}. Group`,
          ...tasks
            .filter((task) => task.group === group)
            .map(({ number, done }) => `- [${done ? "X" : " "}] ${group}.${number} Do it`),
        ].join("\n"),
      );
      return readOpenSpec({ name: "tasks.md", text: groups.join("\r\n\r\n") }, [], parallel);
    },
  },
  "task-master": {
    links: true,
    id: ({ number }) => String(number),
    print: (tasks, parallel) => {
      const list = tasks.map(({ number, done, after }) => ({
        id: number,
        title: "Do it",
        status: done ? "done" : "pending",
        dependencies: after,
      }));
      return readTaskMaster({ name: "tasks.json", text: JSON.stringify({ tasks: list }) }, undefined, parallel);
    },
  },
  beads: {
    links: true,
    id: ({ number }) => `b-${number}`,
    print: (tasks, parallel) => {
      const row = ({ number, done, after }: Task) =>
        JSON.stringify({
          ...{ id: `b-${number}`, title: "Do it", status: done ? "closed" : "open" },
          dependencies: after.map((other) => ({ issue_id: `b-${number}`, depends_on_id: `b-${other}`, type: "blocks" })),
        });
      return readBeads({ name: "issues.jsonl", text: tasks.map(row).join("\n") }, parallel);
    },
  },
  backlog: {
    links: true,
    id: ({ number }) => `task-${number}`,
    print: (tasks, parallel) => {
      const file = ({ number, done, after }: Task) => ({
        name: `backlog/tasks/${number}.md`,
        text: `---\nid: task-${number}\ntitle: Do it\nstatus: ${done ? "Done" : "To Do"}\ndependencies: [${after.map((other) => `TASK-${other}`).join(", ")}]\n---\n`,
      });
      return readBacklog({ tasks: tasks.map(file), completed: [], config: undefined }, parallel);
    },
  },
  github: {
    links: true,
    id: ({ number }) => `#${number}`,
    print: (tasks, parallel) => {
      const issues = new Map(tasks.map((task) => [task.number, issue(task)]));
      const blockedBy = new Map(tasks.map(({ number, after }) => [number, after.map((other) => issues.get(other)!)]));
      return readGithub({ repo: "o/n", issues: [...issues.values()], subIssues: new Map(), blockedBy }, parallel);
    },
  },
};

test.each(Object.entries(FORMATS))(
  "no task of %s is lost, no stated order either, and guesses make no cycle",
  (_name, { print, id, links }) => {
    fc.assert(
      fc.property(lists, fc.boolean(), (tasks, parallel) => {
        const source = print(structuredClone(tasks), parallel);
        const { tasks: planned, leftOut } = settle(source);
        expect(planned.map(({ task }) => task.id).sort()).toEqual(
          tasks
            .filter((task) => !task.done)
            .map(id)
            .sort(),
        );
        expect(leftOut.map((task) => task.id).sort()).toEqual(
          tasks
            .filter((task) => task.done)
            .map(id)
            .sort(),
        );
        expect(planned.map(({ number }) => number)).toEqual(planned.map((_task, index) => String(index + 1)));
        expect(findCycles(planned.map(({ number, blockedBy }) => ({ id: number, blockedBy })))).toEqual([]);

        // All that a task waits for, directly or not, by the list and by the plan, also through what is left out.
        const ids = new Map(planned.map(({ number, task }) => [number, task.id]));
        const inPlan = reach(
          new Map(planned.map(({ task, blockedBy }) => [task.id, blockedBy.map((number) => ids.get(number)!)])),
        );
        const stated = reach(
          new Map(tasks.map((task) => [id(task), links ? task.after.map((other) => id(tasks[other - 1]!)) : []])),
        );
        const kept = new Set(ids.values());
        for (const one of kept) for (const other of stated(one)) if (kept.has(other)) expect(inPlan(one)).toContain(other);

        // Each edge of the plan is stated or listed as guessed.
        const listed = new Set(settle(source).guesses.map(({ task, after }) => `${task} ${after}`));
        for (const { task, blockedBy } of planned)
          for (const number of blockedBy)
            expect(task.after.includes(ids.get(number)!) || listed.has(`${task.id} ${ids.get(number)}`)).toBe(true);
        return true;
      }),
      { numRuns: 60 },
    );
  },
);

test("whatever is divided into parts, each part waits for what its whole waits for, and who waits for the whole for each part", () => {
  const trees = fc.array(
    fc.record({ whole: fc.option(fc.nat(8), { nil: undefined }), after: fc.option(fc.nat(8), { nil: undefined }) }),
    {
      minLength: 2,
      maxLength: 9,
    },
  );
  fc.assert(
    fc.property(trees, (nodes) => {
      // Wholes stand before their parts, and links lead back, so that no issue waits for itself.
      const back = (index: number, said: number | undefined) => (said === undefined || index === 0 ? undefined : said % index);
      const rows = nodes.map((node, index) => {
        const [whole, after] = [back(index, node.whole), back(index, node.after)];
        const link = (other: number, type: string) => ({ depends_on_id: `b-${other}`, type });
        const dependencies = [
          whole === undefined ? [] : [link(whole, "parent-child")],
          after === undefined ? [] : [link(after, "blocks")],
        ].flat();
        return { id: `b-${index}`, title: "Do it", dependencies, whole, after };
      });
      const text = rows.map(({ whole: _whole, after: _after, ...row }) => JSON.stringify(row)).join("\n");
      // A part may well wait for one that waits for its whole: that list is refused, as nobody could do it.
      const source = (() => {
        try {
          return readBeads({ name: "x", text }, true);
        } catch (error) {
          expect(String(error)).toContain("wait for each other");
          return fc.pre(false) as never;
        }
      })();
      expect([...source.tasks, ...source.wholes].map(({ id }) => id).sort()).toEqual(rows.map(({ id }) => id).sort());
      const family = (index: number): number[] => {
        const { whole } = rows[index]!;
        return whole === undefined ? [index] : [index, ...family(whole)];
      };
      const after = new Map(source.tasks.map((task) => [task.id, task.after]));
      for (const [index, row] of rows.entries()) {
        if (row.after === undefined || family(index).includes(row.after) || family(row.after).includes(index)) continue;
        const leaves = (of: number) => rows.flatMap(({ id }, at) => (after.has(id) && family(at).includes(of) ? [id] : []));
        for (const one of leaves(index))
          expect(after.get(one)).toEqual(expect.arrayContaining(leaves(row.after).filter((id) => id !== one)));
      }
      return true;
    }),
    { numRuns: 100 },
  );
});

/** Makes the function that finds all for which one waits, directly or not. */
function reach(after: ReadonlyMap<string, readonly string[]>): (id: string) => string[] {
  const known = new Map<string, Set<string>>();
  const at = (id: string): Set<string> => {
    const found = known.get(id) ?? new Set((after.get(id) ?? []).flatMap((other) => [other, ...at(other)]));
    known.set(id, found);
    return found;
  };
  return (id) => [...at(id)];
}
