import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { makePlan } from "../support/helm-voyage.ts";
import { Engine, type EngineHost } from "./model/engine.ts";
import { program } from "./model/program.ts";
import { type Recording, SCENARIOS } from "./model/scenarios.ts";

const recordings = JSON.parse(readFileSync(join(import.meta.dirname, "model/recorded-calls.json"), "utf8")) as Recording[];

const registered = (ships: number, version: number) =>
  program({ stack: "sea", provider: "sprites", plan: makePlan({}, { digest: `${version}` }), ships });
const dependencies = new Map(registered(2, 1).map(({ name, dependsOn }) => [name, dependsOn]));

/** Plays the scenarios by the model, whose provider notes the calls as that of the recordings does. */
async function playAll(): Promise<Recording[]> {
  const played: Recording[] = [];
  let calls: string[] = [];
  let wishes: Record<string, "fails" | "gone"> = {};
  type Bag = { ship?: string; session?: string; planDigest?: string };
  const nameOf = (kind: string, { ship, session }: Bag) =>
    ship ? `${ship}${session ? `-${session}` : kind === "tmux-launch" ? "-crew" : ""}` : kind;
  const noted = async (call: string, kind: string, bag: Bag, answer: unknown) => {
    const what = `${call} ${nameOf(kind, bag)}`;
    calls.push(`begin ${what}`);
    await new Promise(setImmediate);
    calls.push(`end ${what}`);
    if (wishes[what] === "fails") throw new Error("it is to fail");
    return wishes[what] === "gone" ? {} : answer;
  };
  const host = {
    check: (kind: string, _: object, news: Bag) => noted("check", kind, news, { inputs: news, failures: [] }),
    diff: (kind: string, _: object, olds: Bag, news: Bag) =>
      noted("diff", kind, news, { changes: olds.planDigest !== news.planDigest, replaces: [] }),
    create: (kind: string, _: object, news: Bag) => noted("create", kind, news, { outs: news }),
    update: (kind: string, _: object, __: Bag, news: Bag) => noted("update", kind, news, { outs: news }),
    read: (kind: string, _: object, id: string, props: Bag) => noted("read", kind, props, { id, props }),
    remove: (kind: string, _: object, props: Bag) => noted("delete", kind, props, undefined),
  } as unknown as EngineHost;
  const engine = new Engine(host, {});
  for (const { name, steps } of SCENARIOS)
    for (const [index, step] of steps.entries()) {
      calls = [];
      wishes = step.wishes ?? {};
      const { errors } = await engine.run(step.run, registered(step.ships, step.version));
      played.push({ name: `${name}, ${index + 1}`, failed: errors.length > 0, calls });
    }
  return played;
}

/** The pairs of calls that came in an order in which no engine may make them. */
function outOfOrder(calls: string[]): string[] {
  const at = (line: string) => calls.lastIndexOf(line);
  const begun = (what: string) => calls.indexOf(`begin ${what}`);
  const wrong: string[] = [];
  const after = (later: string, earlier: string) => {
    if (begun(later) >= 0 && at(`end ${earlier}`) > begun(later)) wrong.push(`${later} before the end of ${earlier}`);
  };
  const names = [...dependencies.keys()];
  for (const name of names) {
    for (const other of names) after(`check ${name}`, `read ${other}`);
    for (const needed of dependencies.get(name)!) {
      for (const call of ["create", "update"]) after(`check ${name}`, `${call} ${needed}`);
      after(`delete ${needed}`, `delete ${name}`);
    }
    for (const other of names) for (const call of ["create", "update", "check"]) after(`delete ${name}`, `${call} ${other}`);
  }
  return wrong;
}

const begins = (calls: string[]) => calls.filter((line) => line.startsWith("begin ")).sort();

test("the model makes the calls that the engine was recorded to make, and both make them in order", async () => {
  const played = await playAll();
  expect(played.map(({ name, failed }) => [name, failed])).toEqual(recordings.map(({ name, failed }) => [name, failed]));
  for (const [index, { name, failed, calls }] of recordings.entries()) {
    const model = played[index]!.calls;
    expect({ name, wrong: outOfOrder(calls) }).toEqual({ name, wrong: [] });
    expect({ name, wrong: outOfOrder(model) }).toEqual({ name, wrong: [] });
    // After a failure it is chance what of the calls beside it has begun, and so what there is to do next.
    if (!failed && !recordings[index - 1]?.failed) expect({ name, calls: begins(model) }).toEqual({ name, calls: begins(calls) });
  }
});
