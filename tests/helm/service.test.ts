import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { launchdAgent, systemdUnit } from "../../cli/helm/units.ts";
import { ensureHelm, stopHelm } from "../../lib/daemons/helm.ts";
import { helmClient } from "../../lib/daemons/helm-client.ts";
import { installedService, serviceName, serviceScript } from "../../lib/daemons/helm-service.ts";
import { makeCaptain } from "../support/helm-voyage.ts";
import { BIN, ocaptain } from "../support/ocaptain.ts";
import { type Element, readStrictXml } from "../support/strict-xml.ts";

let captain: Awaited<ReturnType<typeof makeCaptain>>;
beforeEach(async () => {
  captain = await makeCaptain();
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await ocaptain("helm", "uninstall");
  await stopHelm();
  captain.remove();
});

const has = (command: string) => {
  try {
    return execFileSync("/bin/sh", ["-c", `command -v ${command}`]).length > 0;
  } catch {
    return false;
  }
};

const json = async (...args: string[]) => JSON.parse((await ocaptain("helm", ...args, "--json")).stdout);

test("the helm as a service by tmux: started again when it dies, restarted once for other code, and alone", async () => {
  expect(await ocaptain("helm", "status")).toMatchObject({
    exitCode: 1,
    stdout: expect.stringMatching(/^no helm runs\nno service/),
  });
  const before = (await (await ensureHelm()).health()).pid;
  const installed = await json("install", "--kind", "tmux");
  expect(installed).toMatchObject({
    helm: { isOfThisCode: true },
    service: { kind: "tmux", limit: expect.stringContaining("reboot") },
  });
  expect(installed.helm.pid).not.toBe(before);
  expect(() => process.kill(before, 0)).toThrow();
  expect(statSync(serviceScript()).mode & 0o777).toBe(0o700);
  expect(readFileSync(serviceScript(), "utf8")).toContain(`OCAPTAIN_HOME=${process.env.OCAPTAIN_HOME}`);

  process.kill(installed.helm.pid, "SIGKILL");
  const health = () =>
    helmClient()
      .health()
      .catch(() => null);
  await expect.poll(async () => (await health())?.pid ?? installed.helm.pid, { timeout: 30_000 }).not.toBe(installed.helm.pid);

  // A helm of other code is what an upgrade finds; whoever needs a helm then has the service start the new one, once.
  const parent = async () => {
    const { pid = 0 } = (await health()) ?? {};
    return { pid, above: readFileSync(`/proc/${pid}/stat`, "utf8").split(" ")[3] };
  };
  const old = await parent();
  vi.resetModules();
  vi.doMock("../../lib/daemons/helm-build.ts", async (actual) => ({
    ...(await actual<object>()),
    helmBuild: otherOnce(await actual()),
  }));
  const other = await import("../../lib/daemons/helm.ts");
  await Promise.all([other.ensureHelm(), other.ensureHelm()]);
  vi.doUnmock("../../lib/daemons/helm-build.ts");
  const now = await parent();
  expect(now.pid).not.toBe(old.pid);
  expect(execFileSync("ps", ["-o", "args=", "-p", String(now.above)], { encoding: "utf8" })).toContain("service.sh");
  expect((await json("status")).helm.pid).toBe(now.pid);

  expect(await json("uninstall")).toEqual({ uninstalled: "tmux", helm: null });
  expect(await health()).toBeNull();
  expect([installedService(), existsSync(serviceScript())]).toEqual([null, false]);
  await expect(execa("tmux", ["-L", serviceName(), "list-sessions"])).rejects.toThrow(/no server running|error connecting/);
});

/** The digest of other code at the first look, and then what it is: as if the code had changed since the helm began. */
function otherOnce({ helmBuild }: { helmBuild: () => Promise<string> }) {
  let looks = 0;
  return () => (looks++ === 0 ? Promise.resolve("other code") : helmBuild());
}

test("the unit is one that systemd reads without a remark, and the agent a property list", async () => {
  vi.stubEnv("OCAPTAIN_HOME", join(captain.root, 'a $HOME & <b> 100% "c"'));
  const unit = join(captain.root, "ocaptain-helm.service");
  await writeFile(unit, systemdUnit());
  if (has("systemd-analyze")) {
    const read = await execa("systemd-analyze", ["verify", "--user", unit], { reject: false, all: true });
    expect(read.all?.split("\n").filter((line) => line.includes("ocaptain"))).toEqual([]);
  }
  const [doctype, document] = launchdAgent().split(/(?=<plist )/);
  expect(doctype).toMatch(
    /^<\?xml version="1\.0" encoding="UTF-8"\?>\n<!DOCTYPE plist PUBLIC "-\/\/Apple\/\/DTD PLIST 1\.0\/\/EN"/,
  );
  const words = (element: Element | string): string =>
    typeof element === "string" ? element : element.children.map(words).join("");
  const [dict] = readStrictXml(String(document)).children.filter((each) => typeof each !== "string") as Element[];
  const parts = (dict?.children ?? []).filter((each): each is Element => typeof each !== "string");
  expect(parts.map(({ name }) => name).slice(0, 4)).toEqual(["key", "string", "key", "array"]);
  expect(words(parts[3]!)).toContain(serviceScript());
});

/** A user manager of systemd, alone with itself: the system is not told that systemd has booted it, only this is. */
const IN_SYSTEMD = `set -e
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/system /run/user/0
export XDG_RUNTIME_DIR=/run/user/0 XDG_CONFIG_HOME="$1/config"
SYSTEMD_LOG_TARGET=console /lib/systemd/systemd --user >"$1/systemd.log" 2>&1 &
manager=$!
for i in $(seq 100); do systemctl --user show-environment >/dev/null 2>&1 && break; sleep 0.1; done
end() { systemctl --user stop "$2" || :; kill $manager; wait $manager 2>/dev/null || :; }
trap 'end "$@"' EXIT
"$3" helm install --json >"$1/installed"
systemctl --user show -p UnitFileState -p MainPID "$2" >"$1/shown"
"$3" helm restart --json >"$1/restarted"
kill -9 "$(systemctl --user show -P MainPID "$2")"
for i in $(seq 300); do "$3" helm status --json >"$1/again" && break; sleep 0.1; done
"$3" helm uninstall --json >"$1/uninstalled"
systemctl --user show -p LoadState -p ActiveState "$2" >"$1/gone"
`;

const isRoot = process.getuid?.() === 0;
test.skipIf(!isRoot || !existsSync("/lib/systemd/systemd") || !has("unshare"))(
  "the helm as a service of a real user manager of systemd: enabled, restarted, started again when killed, and gone",
  async () => {
    const at = captain.root;
    await mkdir(join(at, "config"));
    const script = ["-m", "--propagation", "private", "/bin/sh", "-c", IN_SYSTEMD, "sh", at, serviceName(), BIN];
    const ran = await execa("unshare", script, { reject: false, all: true, timeout: 120_000 });
    expect(ran.exitCode, ran.all).toBe(0);
    const read = (name: string) => readFileSync(join(at, name), "utf8");
    const installed = JSON.parse(read("installed"));
    expect(installed).toMatchObject({ helm: { isOfThisCode: true }, service: { kind: "systemd" } });
    expect(read("shown")).toContain(`MainPID=${installed.helm.pid}`);
    expect(read("shown")).toContain("UnitFileState=enabled");
    const pids = [installed, JSON.parse(read("restarted")), JSON.parse(read("again"))].map(({ helm }) => helm.pid);
    expect(new Set(pids).size).toBe(3);
    expect(JSON.parse(read("uninstalled"))).toEqual({ uninstalled: "systemd", helm: null });
    expect(read("gone")).toMatch(/LoadState=not-found/);
  },
);
