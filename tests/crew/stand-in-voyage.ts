import { afterEach } from "vitest";
import { TestShip, tempFolder } from "../support/test-ship.ts";
import { StandInHelm, type StandInTask } from "./stand-in-helm.ts";

/** The helm and the one ship of the test that runs. `voyage` makes them, and they are removed after each test. */
export let helm: StandInHelm;
export let ship: TestShip;

export async function voyage(...tasks: StandInTask[]): Promise<void> {
  const folder = tempFolder();
  helm = new StandInHelm(folder, tasks);
  await helm.start();
  ship = new TestShip(folder);
  await ship.install(helm.url, helm.token);
}

afterEach(async () => {
  await ship.remove();
  await helm.stop();
});
