/**
 * `node bench/status.ts [runs]` measures how long `ocaptain status` takes as a process, at 100 ships and 1,000 tasks:
 * from a real helm whose ships are all at work, with 300 sync sessions of a real Mutagen daemon, and from the files,
 * with both gone. The floor is Node's own start.
 */
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { execa } from "execa";
import { voyageFolder } from "../lib/base/paths.ts";
import { ensureHelm, stopHelm } from "../lib/daemons/helm.ts";
import { prepareRepo } from "../lib/git/voyage-repo.ts";
import { sessionKinds, shipSessions } from "../lib/mutagen/sessions.ts";
import { voyageMutagen } from "../lib/mutagen/voyage.ts";
import { loadPlan } from "../lib/plan/load.ts";
import { writeVoyageIdentity } from "../lib/voyage/identity.ts";
import { AskingShip } from "./ask.ts";
import { writeBusyPlan } from "./busy-plan.ts";
import { openMachine, STACK } from "./machine.ts";
import { median, percentile } from "./numbers.ts";
import { whereAndWhen } from "./report.ts";

const VOYAGE = "be0c40";
const SHIPS = 100;
const TASKS = 1_000;
const runs = Number(process.argv[2] ?? 20);
const BIN = resolve(import.meta.dirname, "../bin/ocaptain");
const say = (text: string) => process.stderr.write(`${text}\n`);

const machine = await openMachine();
const ships: AskingShip[] = [];
try {
  const folder = await sail();
  const mutagen = voyageMutagen({ voyageId: VOYAGE, provider: "harbor" });
  say(`${SHIPS * sessionKinds.length} sync sessions are made`);
  await mutagen.ensureDaemon();
  for (let i = 0; i < SHIPS; i++) {
    const specs = shipSessions({ folder, voyageId: VOYAGE, ship: `ship-${i}`, incarnation: `vm-${i}`, host: "unused" });
    for (const kind of sessionKinds) {
      // Both ends here: a session's state is listed alike, wherever its ends are.
      const ends = {
        alpha: join(machine.folder, "sync", `${i}-${kind}`, "a"),
        beta: join(machine.folder, "sync", `${i}-${kind}`, "b"),
      };
      await mkdir(ends.alpha, { recursive: true });
      await mutagen.ensureSession({ ...specs[kind], ...ends });
    }
  }
  say("measured");
  const rows = [
    await measure("node -e 0 (the floor)", process.execPath, ["-e", "0"]),
    await measure("ocaptain --version", BIN, ["--version"]),
    await measure("ocaptain status, helm and syncs", BIN, ["status"]),
    await measure("ocaptain tasks, helm", BIN, ["tasks"]),
  ];
  await mutagen.stopDaemon();
  rows.push(await measure("ocaptain status, helm, no sync daemon", BIN, ["status"]));
  for (const ship of ships.splice(0)) ship.leave();
  await stopHelm();
  rows.push(await measure("ocaptain status, files", BIN, ["status"]));
  console.log(JSON.stringify(whereAndWhen([])));
  console.log(["| what | median | p90 | processor time |", "|---|---|---|---|", ...rows].join("\n"));
} finally {
  for (const ship of ships) ship.leave();
  await machine.close();
}

/** A helm with 100 ships at work on 100 of 1,000 tasks. */
async function sail() {
  const helm = await ensureHelm();
  const loaded = await loadPlan(await writeBusyPlan(machine.folder, TASKS), {});
  if (!("plan" in loaded)) throw new Error("the bench's own plan has findings");
  const folder = voyageFolder(STACK);
  await mkdir(folder.root, { recursive: true });
  await prepareRepo({ folder, repo: join(machine.folder, "repo"), branch: STACK });
  const createdAt = new Date().toISOString();
  await writeVoyageIdentity({ voyageId: VOYAGE, stack: STACK, captainId: "0123456789ab", nonce: "n", createdAt });
  const provider = { kind: "harbor" as const, baseUrl: "http://127.0.0.1:9", token: "none" };
  await helm.registerVoyage(VOYAGE, { stack: STACK, folder: folder.root, plan: loaded.plan, hand: "rehearsal", provider });
  for (let i = 0; i < SHIPS; i++) {
    const { token } = await helm.registerShip(VOYAGE, `ship-${i}`, `vm-${i}`);
    const ship = new AskingShip(token, `vm-${i}`);
    ships.push(ship);
    await ship.board();
    await ship.call("claim");
  }
  return folder;
}

/** Medians of `runs`, after two that fill caches. Processor time is the command's own, and what it waited for. */
async function measure(what: string, file: string, args: string[]): Promise<string> {
  const wall: number[] = [];
  const used: number[] = [];
  for (let run = -2; run < runs; run++) {
    const timed = 'TIMEFORMAT="%3R %3U %3S"; time "$@" >/dev/null';
    const { stderr } = await execa("bash", ["-c", timed, "bash", file, ...args]);
    const [real, user, system] = stderr.trim().split("\n").at(-1)!.split(" ").map(Number) as [number, number, number];
    if (run < 0) continue;
    wall.push(real * 1000);
    used.push((user + system) * 1000);
  }
  const ms = (value: number) => `${Math.round(value)} ms`;
  return `| ${what} | ${ms(median(wall))} | ${ms(percentile(wall, 0.9))} | ${ms(median(used))} |`;
}
