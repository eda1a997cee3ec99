import { cp, mkdir, mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { takeFolder } from "../../cli/captain/take.ts";
import { freePort } from "../../lib/base/free-port.ts";
import { harborHome, voyageFolder, voyagesRoot } from "../../lib/base/paths.ts";
import { stopHelm } from "../../lib/daemons/helm.ts";
import { helmClient } from "../../lib/daemons/helm-client.ts";
import { voyageMutagen } from "../../lib/mutagen/voyage.ts";
import { captainId } from "../../lib/voyage/captain-id.ts";
import { captainLabel } from "../../lib/voyage/labels.ts";
import { knownVoyage } from "../../lib/watch/known.ts";
import { ocaptain } from "../support/ocaptain.ts";
import { until } from "../support/until.ts";
import { gated } from "../support/voyage/voyage.ts";
import { openFleet } from "./fleet.ts";

/** The variables that make a captain's home: two of them in one test are two machines. */
const HOME = ["OCAPTAIN_HOME", "OCAPTAIN_VOYAGES", "OCAPTAIN_HELM_PORT"] as const;
type Home = Record<(typeof HOME)[number], string>;
const here = () => Object.fromEntries(HOME.map((name) => [name, process.env[name] ?? ""])) as Home;
const at = async <T>(home: Home, work: () => Promise<T>): Promise<T> => {
  const before = here();
  Object.assign(process.env, home);
  return work().finally(() => Object.assign(process.env, before));
};

const ends: (() => Promise<unknown>)[] = [];
afterAll(async () => {
  for (const end of ends.reverse()) await end();
});

/** Makes another captain's home, with a folder of voyages, from which the same provider is seen. */
async function anotherHome(voyages?: string): Promise<Home> {
  const root = await mkdtemp(join(tmpdir(), "ot-"));
  const home = {
    OCAPTAIN_HOME: join(root, "h"),
    OCAPTAIN_VOYAGES: voyages ?? join(root, "v"),
    OCAPTAIN_HELM_PORT: String(await freePort()),
  };
  await mkdir(home.OCAPTAIN_HOME);
  await symlink(harborHome(), join(home.OCAPTAIN_HOME, "harbor"));
  ends.push(() => at(home, stopHelm).then(() => rm(root, { recursive: true, force: true })));
  return home;
}

test("a voyage is taken over while its captain is awake: by a copy of its folder, and then by the folder itself; who had it does no more for it", async () => {
  const fleet = await openFleet({ ships: 1, tasks: gated("1", "2") });
  ends.push(fleet.close);
  const [ship] = fleet.ships;
  const mutagen = () => voyageMutagen({ voyageId: fleet.voyageId, provider: "harbor" });
  const voyages = async () => (await helmClient().health()).voyages;
  const file = async () => JSON.parse(await readFile(voyageFolder("quay").voyageFile, "utf8"));
  await fleet.until("a task at work", ({ tasks }) => tasks.some(({ status }) => status === "claimed"));
  const first = here();
  const ann = await captainId();

  // A copy, on a machine that sees the same provider. The ship goes on with its claim meanwhile.
  const second = await anotherHome();
  await cp(voyagesRoot(), second.OCAPTAIN_VOYAGES, { recursive: true });
  await at(second, async () => {
    const bob = await captainId();
    expect(bob).not.toBe(ann);
    expect((await ocaptain("captain", "take", "quay")).stderr).toContain("stack quay is not in the backend");
    expect(await takeFolder(await knownVoyage("quay"), ann, () => {})).toBe(1);
    expect((await fleet.sprites.get(fleet.spriteName("ship-0")))?.labels).toContain(captainLabel(bob));
    expect(await file()).toMatchObject({ captainId: bob, takenFrom: ann });

    // What `up` then does, by what its reads say.
    const settings = { handover: ann };
    const seen = await fleet.muster.with(settings).read(fleet.mustered);
    expect(await fleet.muster.with(settings).update(seen!)).toMatchObject({ captainId: bob });
    await fleet.helm.with(settings).create();
    for (const session of ["tasks", "workspace", "logs"])
      await fleet.sync("ship-0", session, ship!.incarnation).with(settings).create();
    const launch = fleet.launch("ship-0", ship!.incarnation).with(settings);
    const crew = await launch.read({ ...launch.inputs(), present: true });
    expect(crew).toMatchObject({ present: false });
    await launch.update(crew!);
    await fleet.onShip("ship-0", 'touch "$HOME/go"');
    await fleet.until("all done here", ({ tasks }) => tasks.every(({ status }) => status === "accepted"));
    expect(await ocaptain("captain", "take", "quay", "--json")).toMatchObject({ exitCode: 0 });
  });

  // The machine that had it is awake all the while: its helm lets go by itself, with its syncs and the token.
  await at(first, async () => {
    await until("the first helm lets go", async () => (await voyages()).length === 0, 60_000);
    await until("its syncs end", async () => !(await mutagen().running()), 30_000);
    expect(await file()).toMatchObject({ takenFrom: ann });
    await expect(fleet.muster.read(fleet.mustered)).rejects.toThrow(/was taken over by captain [0-9a-f]{12}/);
    const sprite = fleet.sprite("ship-0");
    await expect(sprite.read(ship!.sprite)).rejects.toThrow(/was taken over by captain .* is marked as that captain's/);
    expect((await fleet.git("log", "--format=%s", "quay")).split("\n")).not.toContain("Task 1");
  });

  // A third machine on the disk of the second: its helm lets go of the ledger that both have.
  const third = await anotherHome(second.OCAPTAIN_VOYAGES);
  await at(third, async () => {
    await takeFolder(await knownVoyage("quay"), await at(second, captainId), () => {});
    await fleet.helm.create();
    const { tasks } = await helmClient().voyage(fleet.voyageId);
    expect(tasks.map(({ status }) => status)).toEqual(["accepted", "accepted"]);
  });
  await at(second, async () => {
    expect(await voyages()).toEqual([]);
    await until("its syncs end, too", async () => !(await mutagen().running()), 30_000);
    expect((await ocaptain("doctor")).stdout).toContain("is sailed by captain");
  });
}, 300_000);
