import { counted } from "../../lib/base/counted.ts";
import { plainJson } from "../../lib/base/text.ts";
import { helmClient } from "../../lib/daemons/helm-client.ts";
import type { VoyageStatus } from "../../lib/protocol/status.ts";
import * as orders from "../../lib/voyage/orders.ts";
import { parseDuration } from "../output/durations.ts";
import { pasteable } from "../output/hint.ts";
import type { Io } from "../output/io.ts";
import { chooseVoyage } from "../target/choose-voyage.ts";

/**
 * `ocaptain pause [voyage] [--within 10m]`: nothing is given out any more, until `resume`. Tasks at work end, or are
 * given back after that time; then the ships sleep. A voyage that has come to its end is not paused, and that is said.
 */
export async function pause(name: string | undefined, options: { within?: string }, io: Io): Promise<void> {
  const withinSeconds = options.within === undefined ? undefined : parseDuration(options.within) / 1000;
  const { file } = await chooseVoyage(name);
  const status = await orders.pause(helmClient(), file, withinSeconds);
  if (io.json) return io.out(json(status));
  const atWork = status.tasks.filter((task) => task.status === "claimed").map((task) => task.id);
  const end = options.within === undefined ? "may end" : `given back after ${options.within}, unless ended before`;
  io.out(
    [
      `${file.stack} is paused: nothing is given out`,
      ...(atWork.length > 0 ? [`${counted(atWork.length, "task")} at work (${atWork.join(", ")}): ${end}`] : []),
      `ships without a task sleep; to go on: ${pasteable(`ocaptain resume ${file.stack}`)}`,
    ].join("\n"),
  );
}

/** `ocaptain resume [voyage]`: tasks are given out again, and sleeping ships are woken for them. */
export async function resume(name: string | undefined, io: Io): Promise<void> {
  const { file } = await chooseVoyage(name);
  const wasPaused = (await helmClient().voyage(file.voyageId)).paused !== undefined;
  const status = await helmClient().resume(file.voyageId);
  if (io.json) return io.out(json(status));
  if (!wasPaused) return io.out(`${file.stack} was not paused; it is ${status.state}`);
  const free = status.tasks.filter((task) => task.status === "pending").length;
  const woken = free > 0 ? `, with ${counted(free, "task")} pending; ships are woken for what is free` : "";
  io.out(`${file.stack} goes on: it is ${status.state}${woken}`);
}

const json = ({ stack, state, paused, tasks }: VoyageStatus) =>
  plainJson(
    {
      voyage: stack,
      state,
      paused: paused ?? null,
      atWork: tasks.filter((task) => task.status === "claimed").map(({ id }) => id),
    },
    2,
  );
