import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { lookAtShip, shipNodeId } from "../../dynamic-providers/tailnet-node/ship-node.ts";
import { provisioned } from "../../dynamic-providers/tmux-launch/provision.ts";
import { explain } from "../../lib/base/errors.ts";
import { voyageFolder } from "../../lib/base/paths.ts";
import { shipSessions } from "../../lib/mutagen/sessions.ts";
import { parseShipFacts } from "../../lib/ship/install.ts";
import type { ExecResult, SpritesClient } from "../../lib/sprites/types.ts";
import type { Captain } from "../../lib/tailnet/node/captain.ts";
import { hasShipSsh, sshConfigFile, writeShipSsh } from "../../lib/tailnet/node/ssh.ts";
import { PLANTED, UNSEEN } from "../support/unseen.ts";

const SHIP = "sea-abc123-ship-0";
const MARK = "PWNED";
let home: string;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), "oc-lie-"));
  process.env.OCAPTAIN_HOME = home;
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

/** Values that no fact may have, whichever it is. */
const LIES: Record<string, unknown> = {
  "a line feed and a setting of ssh's": `sprite\n  ProxyCommand touch ${MARK}`,
  "a carriage return": `a\rb${MARK}`,
  "an escape sequence": `\x1b]0;${MARK}\x07`,
  "a bidirectional override": `a\u202e${MARK}`,
  "a zero-width space": `a\u200b${MARK}`,
  "half of a character": `a\ud800${MARK}`,
  NUL: `a\0${MARK}`,
  "a shell's substitution": `$(touch ${MARK})`,
  "a backtick": `\`touch ${MARK}\``,
  "a quotation mark": `a" ${MARK}`,
  "an option": `-oProxyCommand=touch ${MARK}`,
  "a token of ssh's": `%h${MARK}\n`,
  "10 MB": "a".repeat(10_000_000),
  "a number": 2 ** 53,
  "a list": [MARK],
  "an object": { [MARK]: MARK },
  nothing: undefined,
  null: null,
};

const shipThatSays = (stdout: string): SpritesClient =>
  ({ exec: async (): Promise<ExecResult> => ({ exitCode: 0, stdout, stderr: "" }) }) as unknown as SpritesClient;

const thrown = async (work: () => unknown): Promise<string> => {
  try {
    await work();
  } catch (error) {
    return explain(error);
  }
  return "nothing was refused";
};

/** Expects one error that names the ship and the field, and not what the ship said. */
function expectRefused(message: string, field: string): void {
  expect(message).toMatch(new RegExp(`^${SHIP} reports `));
  expect(message).toMatch(message.includes("longer than any") ? /hint/ : new RegExp(`reports [^:]*\\b${field}`));
  expect(message).not.toContain(MARK);
  expect(message.length).toBeLessThan(300);
}

describe("a ship that lies of itself is refused by name and field, and what it said is shown to nobody", () => {
  const looked = {
    home: "/home/sprite",
    user: "sprite",
    node: "/usr/bin/node",
    path: "/home/sprite/.local/bin:/usr/bin:/bin",
    arch: "x64",
    tun: false,
    wasThere: true,
    loginServer: "http://10.99.0.1:8080",
    sums: { tailscale: null, tailscaled: "0".repeat(64) },
  };
  const look = (facts: object) => lookAtShip(shipThatSays(`welcome aboard\n${JSON.stringify(facts)}\n`), SHIP);

  test("the truth is taken, whatever a login prints before it", async () => {
    expect(await look(looked)).toEqual(looked);
    expect(await look({ ...looked, loginServer: null, arch: "arm64" })).toMatchObject({ arch: "arm64" });
    const unconfined = { user: "jo.doe", home: "/home/jö doe/.ocaptain/harbor/ships/a~1", node: "v24.21.0" };
    expect(parseShipFacts(SHIP, JSON.stringify(unconfined))).toEqual(unconfined);
  });

  const fields = ["home", "user", "node", "path", "arch", "tun", "wasThere"] as const;
  const cases = fields.flatMap((field) => Object.keys(LIES).map((lie) => ({ field, lie })));
  test.each(cases)("the look before a tailnet: $field is $lie", async ({ field, lie }) => {
    const said = await thrown(() => look({ ...looked, [field]: LIES[lie] }));
    // A folder may be named like an option, because it is never the first word of anything.
    if (field === "path" && lie === "an option") expect(said).toBe("nothing was refused");
    else expectRefused(said, field);
  });

  test.each(Object.keys(LIES))("a program's sum is %s", async (lie) => {
    const said = await thrown(() => look({ ...looked, sums: { ...looked.sums, tailscaled: LIES[lie] } }));
    if (lie === "null") expect(said).toBe("nothing was refused");
    else expectRefused(said, "sums.tailscaled");
  });

  const boarded = { user: "sprite", home: "/home/sprite", node: "v24.21.0" };
  const boarding = (["user", "home", "node"] as const).flatMap((field) => Object.keys(LIES).map((lie) => ({ field, lie })));
  test.each(boarding)("the boarding: $field is $lie", async ({ field, lie }) => {
    expectRefused(await thrown(() => parseShipFacts(SHIP, JSON.stringify({ ...boarded, [field]: LIES[lie] }))), field);
  });

  test.each(["..", "/home/../etc", "home/sprite"])("a home is %s", async (lie) => {
    expectRefused(await thrown(() => parseShipFacts(SHIP, JSON.stringify({ ...boarded, home: lie }))), "home");
  });

  test.each(["", "\n", "not JSON", '"a string"', "[]", "null", '{"user":', `{"${MARK}":1}`])(
    "the whole answer is %j",
    async (lie) => {
      for (const read of [
        () => lookAtShip(shipThatSays(lie), SHIP),
        () => parseShipFacts(SHIP, lie),
        () => shipNodeId(shipThatSays(lie), SHIP),
      ]) {
        const said = await thrown(read);
        expect(said).toMatch(new RegExp(`^${SHIP} reports `));
        expect(said).not.toContain(MARK);
      }
    },
  );

  test.each(Object.keys(LIES))("the id of its node in the tailnet is %s", async (lie) => {
    const status = { BackendState: "Running", Self: { ID: LIES[lie] } };
    expectRefused(await thrown(() => shipNodeId(shipThatSays(JSON.stringify(status)), SHIP)), "Self");
  });
});

describe("ssh's configuration holds nothing of a ship's but what a ship has", () => {
  const captain = { cli: { argv: ["tailscale"] }, tun: true } as unknown as Captain;
  const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJmJ";
  const write = (more: { user?: string; address?: string; key?: string }) =>
    writeShipSsh(captain, {
      voyageId: "abc123",
      sprite: SHIP,
      user: more.user ?? "sprite",
      node: { ID: "2", HostName: SHIP, TailscaleIPs: [more.address ?? "100.64.0.2"], Relay: "x", sshHostKeys: [more.key ?? key] },
    });

  test("the truth is what ssh reads", async () => {
    await write({ key: `${key}\n` });
    const read = execFileSync("ssh", ["-G", "-F", sshConfigFile("abc123"), SHIP], { encoding: "utf8" });
    expect(read).toMatch(/^user sprite$/m);
    expect(read).toMatch(/^hostname 100\.64\.0\.2$/m);
    expect(read).not.toMatch(/^proxycommand/m);
    const way = { voyageId: "abc123", sprite: SHIP, user: "sprite" };
    expect(hasShipSsh(way)).toBe(true);
    expect(hasShipSsh({ ...way, user: "root" })).toBe(false);
  });

  const lies = Object.entries(LIES).filter(([, lie]) => typeof lie === "string");
  test.each(lies.map(([name]) => name))("neither a user nor a host key that is %s", async (name) => {
    await write({});
    const before = readFileSync(join(home, `tailnet/ssh/abc123/ships/${SHIP}.conf`), "utf8");
    const lie = String(LIES[name]);
    expectRefused(await thrown(() => write({ user: lie })), "user");
    expectRefused(await thrown(() => write({ key: lie })), "hostKeys");
    expectRefused(await thrown(() => write({ key: `${key}\n* ${lie}` })), "hostKeys");
    expect(readFileSync(join(home, `tailnet/ssh/abc123/ships/${SHIP}.conf`), "utf8")).toBe(before);
  });

  test("an address that is none is no address", async () => {
    expect(await thrown(() => write({ address: "100.64.0.2\n  ProxyCommand touch x" }))).toMatch(/no ssh host keys/);
  });

  test.each(lies.map(([name]) => name))("nor is a sync made for a user that is %s", (name) => {
    const of = { folder: voyageFolder("sea"), voyageId: "abc123", ship: "ship-0", incarnation: "vm", host: SHIP };
    expect(() => shipSessions({ ...of, user: String(LIES[name]) })).toThrow(`${SHIP} reports`);
  });
});

describe("what a ship says of its provisioning", () => {
  const attempt = "a-1";
  const order = { attempt, seconds: 1, file: { path: "x", content: "", mode: 0o600 }, run: [] };
  const of = { stack: "sea", ship: "ship-0", sprite: SHIP };
  const saying = (word: object, log = "") => shipThatSays(`runs\n${JSON.stringify({ attempt, digest: "d", ...word })}\n${log}\n`);

  test("is shown on one line of its own, without what steers a terminal", async () => {
    const shown: string[] = [];
    const error = vi.spyOn(console, "error").mockImplementation((line: string) => void shown.push(line));
    const failing = thrown(() => provisioned(saying({ state: "running", at: PLANTED }), of, order));
    expect(await failing).toMatch(/^ship-0: provision was not done in 1 s/);
    error.mockRestore();
    expect(shown).toHaveLength(1);
    expect(shown[0]).toMatch(/^ship-0: provision pl/);
    expect(shown[0]).not.toMatch(UNSEEN);
    const failed = await thrown(() =>
      provisioned(saying({ state: "failed", at: "step 1", why: `no\n  hint: ${PLANTED}` }), of, order),
    );
    expect(failed).not.toMatch(UNSEEN);
    expect(failed.match(/^ {2}hint: /gm)).toHaveLength(1);
  });

  test.each([
    ["state", { state: "sunk", at: "x" }],
    ["at", { state: "running", at: { [MARK]: 1 } }],
    ["at", { state: "running" }],
    ["why", { state: "failed", at: "x", why: [MARK] }],
    ["digest", { state: "done", at: "x", digest: 7 }],
  ])("is refused by its field, where it is no word of a crew's: %s", async (field, word) => {
    expectRefused(await thrown(() => provisioned(saying(word), of, order)), field);
  });
});
