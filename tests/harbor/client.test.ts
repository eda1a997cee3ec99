import { expect, test } from "vitest";
import { crewRuns, launchCrew, stopCrew } from "../../lib/ship/crew-launch.ts";
import { parseShipFacts, provisionArgv, provisionStdin } from "../../lib/ship/install.ts";
import { openSprites } from "../../lib/sprites/client.ts";
import { holdArgv, holdAwake } from "../../lib/sprites/keep-awake.ts";
import { until } from "../support/until.ts";
import { openHarbor } from "./fixture.ts";

/**
 * Opens a harbor with the product's own client of services and policies (lib/sprites), which meets the harbor's awkward
 * answers.
 */
async function open() {
  const opened = await openHarbor();
  const { url, token } = opened.harbor;
  await opened.create("a");
  const fault = (on: string, kind: string, times = 1) =>
    opened.call("POST", "/__harbor/faults", { faults: [{ on, kind, times }] });
  return { ...opened, fault, sprites: await openSprites({ kind: "harbor", baseUrl: url, token }) };
}

test("a service is made, started and left alone when it is so; a changed one is stopped first", async () => {
  const { sprites, sh, fault, harbor } = await open();
  expect(await sprites.service("a", "s")).toBeNull();
  const script = "echo $COLOUR >>~/runs; exec sleep 1000";
  const spec = { cmd: "sh", args: ["-c", script], env: { COLOUR: "blue" } };
  await fault("service", "unavailable", 2);
  const made = await sprites.putService("a", "s", spec);
  expect(made).toMatchObject({ ...spec, needs: [], status: "running", restarts: 0, error: undefined });
  expect((await sprites.putService("a", "s", { ...spec, needs: [] })).pid).toBe(made.pid);
  expect((await sprites.startService("a", "s")).pid).toBe(made.pid);
  const changed = await sprites.putService("a", "s", { ...spec, env: { COLOUR: "red" } });
  expect(changed).toMatchObject({ status: "running", env: { COLOUR: "red" } });
  expect((await sh("a", `cat ~/runs; kill -0 ${made.pid}`)).out).toBe("blue\nred\n");
  // A service that was stopped behind the client's back is started again.
  await harbor.ships.get("a")!.services.get("s")!.stop(5_000);
  expect((await sprites.putService("a", "s", { ...spec, env: { COLOUR: "red" } })).status).toBe("running");
});

test("the state of one that ends, its log's tail, and its end by stop and delete, each twice", async () => {
  const { sprites, harbor } = await open();
  await sprites.putService("a", "s", { cmd: "sh", args: ["-c", "seq 1 5; echo why >&2; exit 4"] });
  const state = await until("its end", async () => {
    const service = await sprites.service("a", "s");
    return service?.status === "failed" ? service : undefined;
  });
  expect(state).toMatchObject({ error: "exit status 4", pid: undefined });
  expect(await sprites.serviceLogs("a", "s", 3)).toBe("4\n5\nwhy\n");
  for (let times = 0; times < 2; times++) await sprites.stopService("a", "s");
  expect((await sprites.service("a", "s"))!.status).toBe("stopped");
  await sprites.startService("a", "s");
  for (let times = 0; times < 2; times++) await sprites.deleteService("a", "s");
  expect(harbor.ships.get("a")!.services.list()).toEqual([]);
  await expect(sprites.startService("a", "s")).rejects.toMatchObject({ code: "SERVICE_GONE" });
  await expect(sprites.serviceLogs("a", "s", 3)).rejects.toMatchObject({ code: "SERVICE_GONE" });
});

test("a policy replaces all rules, is taken with 204 and 200, and must read as it was given", async () => {
  const { sprites, fault } = await open();
  expect(await sprites.networkPolicy("a")).toEqual([]);
  await sprites.setNetworkPolicy("a", [{ domain: "Example.com", action: "allow" }, { include: "defaults" }]);
  await fault("policy", "says-200");
  const rules = [
    { domain: "a.example.com", action: "deny" },
    { domain: "*", action: "allow" },
  ] as const;
  await sprites.setNetworkPolicy("a", rules);
  expect(await sprites.networkPolicy("a")).toEqual(rules);
  await fault("policy", "not-kept");
  await expect(sprites.setNetworkPolicy("a", [])).rejects.toMatchObject({
    code: "POLICY_DIFFERS",
    message: expect.stringMatching(/"?a"? .*wanted no rule; it has allow \*, deny a\.example\.com/),
  });
  await expect(sprites.setNetworkPolicy("a", [{ domain: "http://x", action: "allow" }])).rejects.toMatchObject({
    code: "POLICY_INVALID",
  });
});

test("a sprite that is not there is told from a service that is not", async () => {
  const { sprites } = await open();
  const gone = { code: "SPRITE_GONE" };
  await expect(sprites.service("none", "s")).rejects.toMatchObject(gone);
  await expect(sprites.putService("none", "s", { cmd: "true" })).rejects.toMatchObject(gone);
  await expect(sprites.stopService("none", "s")).rejects.toMatchObject(gone);
  await expect(sprites.networkPolicy("none")).rejects.toMatchObject(gone);
  await expect(sprites.putService("a", "s", { cmd: "true", needs: ["none"] })).rejects.toMatchObject({
    code: "SPRITES_REFUSED",
    message: expect.stringContaining("unknown service"),
  });
});

test("our own commands on a ship are not answered by programs that an agent has put into its home", async () => {
  const { sprites, sh, harbor } = await open();
  const programs = ["sh", "env", "setsid", "node", "tmux", "sprite-env", "mkdir", "sleep", "ls", "seq", "kill", "grep", "sort"];
  const theirs = `#!/bin/bash\necho "$0" >>/home/sprite/called\nhead -c 5000000 /dev/zero | tr '\\000' '\\001'\n`;
  await sprites.writeFile("a", "/home/sprite/theirs", Buffer.from(theirs), 0o755);
  await sh("a", `mkdir -p ~/.local/bin; for name in ${programs.join(" ")}; do cp ~/theirs ~/.local/bin/$name; done`);

  await holdAwake(sprites, "a", 60);
  const crew = 'require("fs").appendFileSync("started", process.env.PATH + "\\n"); setInterval(() => {}, 1000);';
  const files = [{ path: "voyage/crew/supervisor.js", content: crew, mode: 0o600 }];
  const boarded = await sprites.exec("a", provisionArgv(), { stdin: provisionStdin({ files, run: holdArgv(60) }) });
  expect(parseShipFacts("ship", boarded.stdout)).toMatchObject({ home: "/home/sprite" });
  expect((await sprites.exec("a", launchCrew)).exitCode).toBe(0);
  expect((await sprites.exec("a", crewRuns)).exitCode).toBe(0);
  expect((await sprites.exec("a", stopCrew)).exitCode).toBe(0);
  expect((await sprites.exec("a", crewRuns)).exitCode).toBe(1);
  await sprites.writeFile("a", "/home/sprite/seen", Buffer.from("x"), 0o600);
  await harbor.ships.get("a")!.sleep("warm");
  const { stdout } = await sprites.exec("a", ["/bin/cat", "/home/sprite/called"]);
  // The crew's programs are the ship's own affair, since they have its PATH.
  expect(stdout).toBe("/home/sprite/.local/bin/node\n");
});
