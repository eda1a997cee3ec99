import { counted } from "../../lib/base/counted.ts";
import { OcaptainError } from "../../lib/base/errors.ts";
import { plainJson } from "../../lib/base/text.ts";
import { helmClient } from "../../lib/daemons/helm-client.ts";
import { MAX_SHIPS } from "../../lib/plan/limits.ts";
import type { VoyageStatus } from "../../lib/protocol/status.ts";
import { shipState } from "../../lib/watch/ship-state.ts";
import { ask, canAsk } from "../output/ask.ts";
import type { Io } from "../output/io.ts";
import { fold } from "../output/wrap.ts";
import { openOffDuty } from "../sail/off-duty.ts";
import { runUp } from "../sail/run-up.ts";
import { type ScaledFleet, scaleFleet, workOf, worksOn } from "../sail/scale-fleet.ts";
import { checkPlanIsSet, writeSettings } from "../sail/settings.ts";
import { settleFleet } from "../sail/settle-fleet.ts";
import { type Stack, stackOf } from "../sail/stack.ts";
import { chooseVoyage } from "../target/choose-voyage.ts";

type Options = { drain?: boolean; yes?: boolean };

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
  checkPlanIsSet(stack, `ocaptain scale ${count} ${file.stack}`);
  const status = await helmClient().voyage(file.voyageId);
  const fleet = scaleFleet(status.ships, count);
  for (const line of describe(fleet, status, options)) io.note(line);
  if (!(await isAgreed(fleet, status, options, io))) {
    io.note("nothing was changed");
    return 1;
  }
  const offDuty = openOffDuty(file.voyageId);
  try {
    const settled = await settleFleet(fleet, status, offDuty, options, io);
    if (settled.go.join() !== fleet.go.join()) io.note(`goes now: ${settled.go.join(", ")}`);
    const changes = await offDuty.during(() => sailWith(stack, settled, io));
    tell(settled, file.stack, changes, io);
  } finally {
    await offDuty.end();
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
  const end = drain
    ? "that is waited for, unless another ship is through before"
    : "that is stopped, and begun anew on another ship";
  return [
    ...go.map((ship) => {
      const work = workOf(ship, status);
      const row = status.ships.find((each) => each.ship === ship)!;
      return `${ship} goes: ${work ? `${work} is at work; ${end}` : shipState(row, status)}`;
    }),
    ...come.map((ship) => `${ship} comes`),
  ];
}

/** @throws OcaptainError NO_TERMINAL when work would be stopped and nobody can be asked */
async function isAgreed(fleet: ScaledFleet, status: VoyageStatus, { drain, yes }: Options, io: Io): Promise<boolean> {
  if (yes || fleet.go.length + fleet.come.length === 0) return true;
  const count = fleet.settings.ships;
  if (canAsk()) return ask(`Scale ${status.stack} from ${counted(status.ships.length, "ship")} to ${count}?`, io);
  const stopped = drain ? [] : worksOn(fleet.go, status);
  if (stopped.length === 0) return true;
  throw new OcaptainError("NO_TERMINAL", `nobody can be asked here whether this may be stopped: ${stopped.join(", ")}`, {
    hint: `ocaptain scale ${count} ${status.stack} --drain  # waits for it; --yes stops it`,
  });
}

/** Sets the fleet's size, and sails. What was set is taken back when that ends before a resource is changed. */
async function sailWith(stack: Stack, { settings }: ScaledFleet, io: Io): Promise<Record<string, number>> {
  const undo = await writeSettings(stack, { ships: String(settings.ships), withoutShips: settings.withoutShips.join(",") });
  let hasChanged = false;
  const onChange = () => {
    hasChanged = true;
  };
  try {
    return (await runUp(stack, io, { onChange })).changes;
  } catch (error) {
    if (!hasChanged) await undo();
    throw error;
  }
}

function tell({ stay, go, come, settings }: ScaledFleet, stack: string, changes: Record<string, number>, io: Io): void {
  const ships = [...stay, ...come].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
  const news = [come.length > 0 ? `came: ${come.join(", ")}` : "", go.length > 0 ? `went: ${go.join(", ")}` : ""];
  const said = news.filter((each) => each !== "").join("; ") || "as before";
  if (io.json) io.out(plainJson({ voyage: stack, ships, came: come, went: go, changes }, 2));
  else io.out(fold(`${stack} has ${counted(settings.ships, "ship")}, ${ships.join(", ")} (${said})`, io.columns));
}
