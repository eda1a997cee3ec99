import { rm } from "node:fs/promises";
import { until } from "../../support/until.ts";
import { describeStep, type History, type Step } from "../history.ts";
import { type Occasion, type Snapshot, whatIsBroken } from "../invariants.ts";
import { look, settle, shipsOf } from "./look.ts";
import { passTime } from "./pass-time.ts";
import { type Ran, runEngine } from "./run.ts";
import { befall, relieve } from "./trouble.ts";
import { engineProcesses } from "./victims.ts";
import { closeWorld, openWorld, taskOf, type World, writeTasks } from "./world.ts";

const WORK_MS = 60_000;
const VERIFIED_MS = 180_000;
/** How often a calm `up` or `destroy` may be said again, as a person does. */
const TRIES = 3;
const LAST_LINES = 25;

/** Hears of each step, and of each run and trouble that came to pass. */
type Listener = { say(line: string): void; count(what: string): void };

/** Plays a history on the real engine, to its calm end, and gives a sentence for the first things that were broken. */
export async function play(history: History, listener: Listener): Promise<string[]> {
  const { say, count } = listener;
  const world = await openWorld(history.voyage, count);
  try {
    const earlier: Snapshot[] = [await look(world)];
    const see = async (occasion: Occasion): Promise<string[]> => {
      if (occasion === "destroy") await settle(world);
      const now = await look(world);
      const broken = whatIsBroken({ occasion, now, earlier, wanted: world.wanted });
      earlier.push(now);
      return broken;
    };
    for (const [index, step] of history.steps.entries()) {
      const { broken, said, occasion } = await take(world, step);
      say(`${index + 1}. ${describeStep(step)}${said && `: ${said}`}`);
      const wrong = [...broken, ...(await see(occasion))];
      if (wrong.length > 0) return wrong;
    }
    return await calmEnd(world, see, say);
  } finally {
    await relieve(world).catch(() => {});
    await closeWorld(world);
  }
}

/** Every history ends well: an `up` brings all about, the work is done, and a `destroy` leaves nothing. */
async function calmEnd(world: World, see: (occasion: Occasion) => Promise<string[]>, say: (line: string) => void) {
  await relieve(world);
  for (const run of ["up", "work", "destroy"] as const) {
    let failure = "";
    if (run === "work") {
      const isDone = ({ state }: { state: string }) => state === "verified";
      failure = await world.captain.until("verified", isDone, VERIFIED_MS).then(
        () => "",
        (error: Error) => error.message,
      );
      if (failure) return [`in calm weather the work does not end: ${failure}`];
    }
    for (let tries = 1; run !== "work" && tries <= TRIES; tries++) {
      const ran = await runEngine(world, { do: run, during: [] });
      if (ran.ok && run === "up") wish(world);
      failure = ran.ok ? "" : lastOf(ran.printed);
      if (ran.ok) break;
      say(`the calm ${run} has failed, and is said again: ${failure}`);
    }
    if (failure) return [`in calm weather ${run} fails ${TRIES} times: ${failure}`];
    const wrong = await see(run === "work" ? "any" : run);
    if (wrong.length > 0) return wrong;
    say(`calm ${run}: ok`);
  }
  const left = engineProcesses(world).map(({ pid, line }) => `an engine has left process ${pid} ${line.slice(0, 200)}`);
  return left;
}

/** What the last `up` has been asked for. */
function wish(world: World): void {
  world.wanted.ships = shipsOf(world.said.ships);
  world.wanted.tasks = world.said.tasks.map(({ id }) => id);
}

async function take(world: World, step: Step): Promise<{ broken: string[]; said: string; occasion: Occasion }> {
  const none = { broken: [], said: "", occasion: "any" as const };
  switch (step.do) {
    case "up":
    case "preview":
    case "refresh":
    case "destroy": {
      const ran = await runEngine(world, step);
      if (ran.ok && step.do === "up") wish(world);
      // What comes while it runs may come too late for it to know.
      const isCalm = ran.ok && step.during.length === 0 && world.relief.length === 0;
      const occasion = isCalm && (step.do === "up" || step.do === "destroy") ? step.do : "any";
      const why = !ran.ok && step.during.length === 0 ? `\n${lastOf(ran.printed)}` : "";
      return { broken: ran.broken, said: `${told(ran)}${why}`, occasion };
    }
    case "scale":
      world.said.ships = step.ships;
      await world.captain.configure({ ships: step.ships });
      return none;
    case "plan":
      await changePlan(world, step.change, step.which);
      return none;
    case "land":
      return { ...none, said: "only the model lands" };
    case "relieve":
      await relieve(world);
      return none;
    case "work":
      return { ...none, said: await work(world, step.deliveries) };
    case "wait":
      await passTime(Math.min(step.seconds * 1000, 3_000));
      return none;
    default:
      return { ...none, said: await befall(world, step) };
  }
}

const lastOf = (printed: string) => printed.trimEnd().split("\n").slice(-LAST_LINES).join("\n");

const told = ({ ok, killed, troubles }: Ran) =>
  [killed ? "killed" : ok ? "ok" : "failed", ...troubles.map((what) => `(${what})`)].join(" ");

/** Changes the plan's folder: a task is added, gets another text, or is taken out with what waits for it. */
async function changePlan(world: World, change: "add" | "edit" | "drop", which: number): Promise<void> {
  const { said } = world;
  const chosen = said.tasks[which % said.tasks.length];
  if (change === "add") said.tasks.push(taskOf(String(said.next++)));
  else if (change === "edit" && chosen) chosen.run = `${chosen.run}; true`;
  else if (chosen && said.tasks.length > 1)
    said.tasks = said.tasks
      .filter((task) => task !== chosen)
      .map((task) => ({ ...task, after: (task.after ?? []).filter((id) => id !== chosen.id) }));
  await rm(world.captain.plan, { recursive: true });
  await writeTasks(world);
}

/** Waits until so many more tasks are accepted, or nothing comes of it for a while. */
async function work(world: World, deliveries: number): Promise<string> {
  const id = await world.captain.voyageId().catch(() => null);
  if (id === null) return "there is no voyage";
  const accepted = async () =>
    (
      await world.captain
        .helm()
        .lookAtVoyage(id)
        .catch(() => null)
    )?.tasks.filter(({ status }) => status === "accepted").length;
  const before = (await accepted()) ?? 0;
  const enough = async () => {
    const now = await accepted();
    return now === undefined || now >= before + deliveries;
  };
  const holds = world.relief.length > 0 ? 5_000 : WORK_MS / 3;
  return until("deliveries", enough, holds, { everyMs: 200 }).then(
    () => "delivered",
    () => "nothing more came",
  );
}
