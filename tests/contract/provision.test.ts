import { DatabaseSync } from "node:sqlite";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { orderProvision, provisioned } from "../../dynamic-providers/tmux-launch/provision.ts";
import { OcaptainError } from "../../lib/base/errors.ts";
import { voyageFolder } from "../../lib/base/paths.ts";
import { helmClient } from "../../lib/daemons/helm-client.ts";
import { launchCrew } from "../../lib/ship/crew-launch.ts";
import { provisionArgv, provisionStdin } from "../../lib/ship/install.ts";
import { failure, type Props } from "../support/voyage/resource.ts";
import { gated, type OpenVoyage, openVoyage } from "../support/voyage/voyage.ts";

const NAME = "ship-0";
let quay: OpenVoyage;
let sprite: Props;
let crew: ReturnType<OpenVoyage["launch"]>;
beforeAll(async () => {
  const [one] = gated("1");
  quay = await openVoyage([{ ...one!, run: `cp -r deps found; ${one!.run}` }]);
  await quay.workspace.create();
  await quay.helm.create();
});
beforeEach(async () => {
  sprite = await quay.sprite(NAME).create();
  crew = quay.launch(NAME, String(sprite.incarnation));
  vi.spyOn(console, "error").mockImplementation(() => {});
});
afterEach(async () => {
  vi.restoreAllMocks();
  await quay.faults();
  await helmClient().forgetShip(quay.voyageId, NAME);
  await quay.sprites.remove(quay.spriteName(NAME));
});
afterAll(() => quay.close());

const steps = (...commands: string[]) => ({ provision: commands.map((run) => ({ run, timeoutSeconds: 30 })) });
const IGNORE = "echo /deps >> .git/info/exclude";
const row = () => helmClient().ship(quay.voyageId, NAME);
const atWork = () => expect.poll(async () => (await row()).task).toBe("1");
/** The epoch of the claim, once the ship has its answer: a crew that is stopped before that gives no claim back. */
async function answered(): Promise<number | null> {
  await atWork();
  const { epoch } = await row();
  await expect.poll(() => onShip('ls "$HOME/voyage/logs"')).toContain(`task-1-${epoch}.log`);
  return epoch;
}
const onShip = async (script: string) => (await quay.onShip(NAME, `cd "$HOME/voyage/workspace"; ${script}`)).stdout.trim();
const log = () => onShip('cat "$HOME/voyage/logs/provision.log"');
const crewRuns = () => onShip("tmux has-session -t =crew 2>/dev/null && echo yes || echo no");

test("the steps run in the first checkout, in order, before the first task, and once on a VM; what git ignores is there for the task and in no commit", async () => {
  const ran = steps("test -s README.md && echo first", IGNORE, 'mkdir deps && echo "$SHIP" >> deps/who; echo more >> README.md');
  const outs = await crew.create(ran);
  expect(await log()).toMatch(/^\$ test -s README.md && echo first\nfirst\n\n\$ echo \/deps.*\n\n\$ mkdir deps/);
  expect(vi.mocked(console.error).mock.calls.flat().join("\n")).not.toContain("undefined");
  await atWork();
  const seen = () => onShip("cat deps/who found/who; git status --porcelain");
  await expect.poll(seen).toBe("ship-0\nship-0\n?? found/");

  expect(await crew.create(ran)).toEqual(outs);
  expect(await crew.update(outs, ran)).toEqual(outs);
  expect(await onShip("cat deps/who")).toBe("ship-0");
  expect((await crew.diff(outs, ran)).changes).toBe(false);
  expect((await crew.diff(outs, steps("other"))).changes).toBe(true);
});

test("other steps: the crew hands its claim back unharmed, they run, and a crew begins anew", async () => {
  const outs = await crew.create(steps(IGNORE, "mkdir -p deps"));
  const epoch = await answered();
  await crew.update(outs, steps(IGNORE, "mkdir -p deps; date >> deps/second"));
  await atWork();
  expect((await row()).epoch).toBeGreaterThan(epoch!);
  expect((await helmClient().voyage(quay.voyageId)).tasks[0]?.tries).toBe(0);
  expect(await onShip("wc -l < deps/second")).toBe("1");
  await crew.update({ ...outs, ...steps(IGNORE) }); // No steps are left, and the same crew files serve for that.
  await atWork();
});

test("a step that fails names ship, step and what it printed; no crew begins, whoever starts it; up begins anew", async () => {
  const partly = await failure(crew.create(steps("true", "echo rats in the hold; exit 7", "true")));
  expect(partly).toMatchObject({
    message: expect.stringMatching(
      /ship-0: provision step 2 of 3 \(echo rats.*\) ended with exit status 7: rats in the hold\n.*hint: .*logs quay -s ship-0/s,
    ),
    properties: { present: false, incarnation: sprite.incarnation },
  });
  expect(await crewRuns()).toBe("no");
  await quay.onShip(NAME, launchCrew.at(-1)!);
  await expect.poll(crewRuns).toBe("no");
  expect(await onShip('tail -n 1 "$HOME/voyage/logs/supervisor.jsonl"')).toContain('"unprovisioned"');
  expect(await row()).toMatchObject({ task: null });

  await failure(crew.update(partly.properties, steps("true", "echo rats in the hold; exit 7", "true")));
  await crew.update(partly.properties, steps(IGNORE, "mkdir deps"));
  await atWork();
});

test("other steps that fail: the ship that had worked waits for the next up, and no task wakes it", async () => {
  const outs = await crew.create(steps(IGNORE, "mkdir -p deps"));
  await answered();
  await failure(crew.update(outs, steps("exit 1")));
  // The helm wakes no ship that was told to stop (tests/helm/waker.test.ts).
  const ledger = new DatabaseSync(voyageFolder(quay.stack).ledger, { readOnly: true });
  expect(ledger.prepare("SELECT ship, stopping FROM ships").all()).toEqual([{ ship: NAME, stopping: 1 }]);
  ledger.close();
  expect(await row()).toMatchObject({ state: "ended", task: null });
  await crew.remove({ ...outs, ...steps("exit 1") });
});

test("a step over its time is ended with all that it started", async () => {
  const partly = await failure(crew.create({ provision: [{ run: "echo slow; sleep 987 & sleep 987", timeoutSeconds: 1 }] }));
  expect(partly.message).toMatch(/step 1 of 1 \(echo slow.*\) was stopped after 1 s, its time limit: slow/);
  expect(await onShip("pgrep -f 'slee[p] 987' || echo none")).toBe("none");
});

test("what a step leaves running is left alone", async () => {
  await crew.create(steps(IGNORE, "mkdir deps; setsid sleep 986 & true"));
  await atWork();
  expect(await onShip("pgrep -fc 'slee[p] 986'")).toBe("1");
});

test("files that git would take for the work of a task are refused, with what helps", async () => {
  const partly = await failure(crew.create(steps("mkdir deps && touch deps/a b")));
  expect(partly.message).toMatch(/ship-0: provision what the steps have made git does not ignore b, deps\/:.*\.gitignore/);
});

/** Does the part of an `up` that puts the order to provision on the ship, and nothing after it. */
async function begin(run: string) {
  const { token } = await helmClient().registerShip(quay.voyageId, NAME, String(sprite.incarnation));
  const { ship, voyageId, stack, incarnation, helmUrl } = crew.inputs() as Record<string, string>;
  const order = orderProvision([{ run, timeoutSeconds: 600 }]);
  const config = { ship, voyageId, stack, incarnation, helmUrl, taskList: "t", provision: "another" };
  const files = [
    { path: "voyage/crew/config.json", content: JSON.stringify(config), mode: 0o600 },
    { path: "voyage/crew/token", content: token, mode: 0o600 },
    order.file,
  ];
  await quay.sprites.exec(quay.spriteName(NAME), provisionArgv(), { stdin: provisionStdin({ files, run: order.run }) });
  await expect.poll(() => log().catch(() => "")).toContain(`$ ${run}`);
  return order;
}

test("looks that are lost on the way are made again, and which step runs is told", async () => {
  const order = await begin("sleep 1; true");
  let calls = 0;
  const exec: typeof quay.sprites.exec = async (...args) => {
    if (++calls <= 2) throw new OcaptainError("EXEC_CUT", "cut");
    return quay.sprites.exec(...args);
  };
  await provisioned({ ...quay.sprites, exec }, { stack: quay.stack, ship: NAME, sprite: quay.spriteName(NAME) }, order);
  expect(calls).toBe(3);
  const cut = async () => Promise.reject(new OcaptainError("EXEC_CUT", "cut"));
  const never = provisioned(
    { ...quay.sprites, exec: cut },
    { stack: quay.stack, ship: NAME, sprite: quay.spriteName(NAME) },
    order,
  );
  await expect(never).rejects.toMatchObject({ code: "EXEC_CUT" });
});

test("a ship at its steps is held awake, and holds nothing afterwards", async () => {
  const order = await begin("until [ -e go ]; do sleep 0.1; done; rm go");
  const holds = () => quay.onShip(NAME, "sprite-env curl -fsS /v1/tasks").then(({ stdout }) => stdout);
  await expect.poll(holds).toContain("ocaptain-crew");
  await onShip("touch go");
  await provisioned(quay.sprites, { stack: quay.stack, ship: NAME, sprite: quay.spriteName(NAME) }, order);
  await expect.poll(holds).not.toContain("ocaptain-crew");
});

test("an attempt whose captain is gone is ended, and the next begins anew", async () => {
  await begin("sleep 985");
  await crew.create(steps(IGNORE, "mkdir deps"));
  await atWork();
  expect(await onShip("pgrep -f 'slee[p] 985' || echo none")).toBe("none");
});
