import { setTimeout as sleep } from "node:timers/promises";
import { counted } from "../../lib/base/counted.ts";
import { explain, OcaptainError } from "../../lib/base/errors.ts";
import { plain, plainJson } from "../../lib/base/text.ts";
import { helmClient } from "../../lib/daemons/helm-client.ts";
import { MAX_SHIPS } from "../../lib/plan/limits.ts";
import type { VoyageStatus } from "../../lib/protocol/status.ts";
import { shipState } from "../../lib/voyage/ship-state.ts";
import { ask, canAsk } from "../output/ask.ts";
import type { Io } from "../output/io.ts";
import { type HeldShips, holdShips } from "../sail/hold-ships.ts";
import { runUp } from "../sail/run-up.ts";
import { isAtWork, type ScaledFleet, scaleFleet } from "../sail/scale-fleet.ts";
import { writeSettings } from "../sail/settings.ts";
import { stackOf } from "../sail/stack.ts";
import { chooseVoyage } from "../target/choose-voyage.ts";

type Options = { drain?: boolean; yes?: boolean };

const LOOK_MS = 1_000;
/** How often ships are chosen anew because one of them was given a task before it could be held. */
const MOST_CHOICES = 5;

/**
 * `ocaptain scale <n> [voyage]` gives a voyage so many ships, by `pulumi up`. Ships that do nothing go first. A ship at
 * work goes when the captain agrees that its task is begun anew, or with `--drain` when it is through.
 */
export async function scale(words: readonly [string, string | undefined], options: Options, io: Io): Promise<number | undefined> {
  const count = countOf(words[0]);
  const { file } = await chooseVoyage(words[1]);
  if (file.sunkAt)
    throw new OcaptainError("SUNK", `${file.stack} has sunk, at ${file.sunkAt}: it has no ships`, {
      hint: `ocaptain sail ${file.stack} -n ${count}`,
    });
  const stack = await stackOf(file);
  const status = await helmClient().voyage(file.voyageId);
  const fleet = scaleFleet(status.ships, count);
  for (const line of describe(fleet, status, options)) io.note(line);
  if (!(await isAgreed(fleet, status, options, io))) {
    io.note("nothing was changed");
    return 1;
  }
  const held = holdShips(file.voyageId);
  try {
    const settled = await settle(fleet, status, held, options, io);
    if (settled.go.join() !== fleet.go.join()) io.note(`goes now: ${settled.go.join(", ")}`);
    const undo = await writeSettings(stack, {
      ships: String(count),
      withoutShips: settled.settings.withoutShips.join(","),
    });
    const { changes } = await held
      .during(() => runUp(stack, io))
      .catch(async (error: unknown) => {
        // Preflight has refused; after any other failure the settings stay, and the next `up` goes on by them.
        if (/nothing was made or changed/.test(explain(error))) await undo();
        throw error;
      });
    tell(settled, file.stack, changes, io);
  } finally {
    await held.end();
  }
  return undefined;
}

/** @throws OcaptainError USAGE */
function countOf(text: string): number {
  const count = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (count >= 1 && count <= MAX_SHIPS) return count;
  throw new OcaptainError("USAGE", `"${text}" is no number of ships: it is 1 to ${MAX_SHIPS}`, {
    hint: count === 0 ? "ocaptain sink" : "ocaptain scale --help",
  });
}

/** A line for each ship that goes or comes. */
function describe({ go, come }: ScaledFleet, status: VoyageStatus, { drain }: Options): string[] {
  const end = drain ? "it goes when that is through" : "it is stopped, and begun anew on another ship";
  return [
    ...go.map((ship) => {
      const work = workOf(ship, status);
      const row = status.ships.find((each) => each.ship === ship)!;
      return `${ship} goes: ${work ? `${work} is at work; ${end}` : shipState(row)}`;
    }),
    ...come.map((ship) => `${ship} comes`),
  ];
}

/** What a ship is at: `task 7 (Write the parser)`, or `verify.sh`; undefined when it does nothing. */
function workOf(ship: string, { ships, tasks }: VoyageStatus): string | undefined {
  const row = ships.find((each) => each.ship === ship);
  if (!row || !isAtWork(row)) return undefined;
  if (row.task === null) return "verify.sh";
  return `task ${row.task} (${plain(tasks.find(({ id }) => id === row.task)?.subject ?? "")})`;
}

const stoppedBy = ({ go }: ScaledFleet, status: VoyageStatus): string[] =>
  go.filter((ship) => workOf(ship, status) !== undefined);

/** @throws OcaptainError NO_TERMINAL when work would be stopped and nobody can be asked */
async function isAgreed(fleet: ScaledFleet, status: VoyageStatus, { drain, yes }: Options, io: Io): Promise<boolean> {
  if (yes || fleet.go.length + fleet.come.length === 0) return true;
  const count = fleet.settings.ships;
  if (canAsk()) return ask(`Scale ${status.stack} from ${counted(status.ships.length, "ship")} to ${count}?`, io);
  const stopped = drain ? [] : stoppedBy(fleet, status);
  if (stopped.length === 0) return true;
  const what = stopped.map((ship) => `${workOf(ship, status)} on ${ship}`).join(", ");
  throw new OcaptainError("NO_TERMINAL", `nobody can be asked here whether this may be stopped: ${what}`, {
    hint: `ocaptain scale ${count} ${status.stack} --drain  # waits for it; --yes stops it`,
  });
}

/**
 * Holds the ships that go, so that none is given a task any more, and chooses anew where one has got one before that.
 * With `--drain` it waits until none of them is at work.
 * @throws OcaptainError SHIPS_CHANGED when a task would be stopped that nobody has agreed to
 */
async function settle(
  fleet: ScaledFleet,
  asked: VoyageStatus,
  held: HeldShips,
  { drain, yes }: Options,
  io: Io,
): Promise<ScaledFleet> {
  const agreed = stoppedBy(fleet, asked).map((ship) => workOf(ship, asked));
  let now = fleet;
  let said = "";
  for (let choices = 1; now.go.length > 0; choices++) {
    const status = await held.only(now.go);
    const stopped = stoppedBy(now, status);
    const isFine = drain ? stopped.length === 0 : stopped.every((ship) => agreed.includes(workOf(ship, status)));
    const again = scaleFleet(status.ships, fleet.settings.ships);
    if (isFine) break;
    const stays = now.go.every((ship) => again.go.includes(ship));
    if (!drain && yes && stays) break;
    if (!drain && choices >= MOST_CHOICES)
      throw new OcaptainError("SHIPS_CHANGED", `ships were given tasks meanwhile (${stopped.join(", ")}); nothing was changed`, {
        hint: `ocaptain scale ${fleet.settings.ships} ${asked.stack} --drain`,
      });
    now = again;
    if (!drain) continue;
    const waits = `waits for ${stopped.map((ship) => `${workOf(ship, status)} on ${ship}`).join(", ")}`;
    if (waits !== said) io.note(waits);
    said = waits;
    await sleep(LOOK_MS, undefined, { signal: io.signal }).catch(() => {});
    io.signal.throwIfAborted();
  }
  return now;
}

function tell({ stay, go, come, settings }: ScaledFleet, stack: string, changes: Record<string, number>, io: Io): void {
  const ships = [...stay, ...come].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
  const news = [come.length > 0 ? `came: ${come.join(", ")}` : "", go.length > 0 ? `went: ${go.join(", ")}` : ""];
  const said = news.filter((each) => each !== "").join("; ") || "as before";
  if (io.json) io.out(plainJson({ voyage: stack, ships, came: come, went: go, changes }, 2));
  else io.out(`${stack} has ${counted(settings.ships, "ship")}, ${ships.join(", ")} (${said})`);
}
