import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, readlinkSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { homedir } from "node:os";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { ensureHarbor, runningHarbor, stopHarbor } from "../../lib/harbor-daemon.ts";
import { harborHome } from "../../lib/paths.ts";
import { caller, openHarbor, pidNamespaceOf, processesIn, temporaryFolder, until } from "./fixture.ts";

const ip = (...args: string[]) => execFileSync("ip", args, { encoding: "utf8" });
const links = () => (JSON.parse(ip("-json", "link")) as { ifname: string }[]).map(({ ifname }) => ifname);
/** Of all processes, as the kernel has them, and those with a name. */
const namespaces = () => [
  execFileSync("lsns", ["-n", "-t", "net", "-o", "NS"], { encoding: "utf8" }).trim(),
  ip("netns", "list"),
];
const networkOf = (pid: number) => readlinkSync(`/proc/${pid}/ns/net`);

/** TCP from a ship: what it printed, or the error's code. */
const dial = (host: string, port: number) =>
  `node -e 'const s=require("net").connect({host:"${host}",port:${port},timeout:1500});s.on("connect",()=>{console.log("connected");s.destroy()});s.on("timeout",()=>{console.log("silence");s.destroy()});s.on("error",e=>console.log(e.code))'`;

async function listener(host: string): Promise<{ port: number; sockets: Socket[] }> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => void sockets.push(socket.on("error", () => {})));
  await new Promise<void>((done) => server.listen(0, host, done));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as { port: number }).port, sockets };
}

describe.skipIf(process.getuid!() !== 0)("ships with networks of their own (needs root)", () => {
  test("each has an address of its own and reaches the captain's side; its loopback is its own, and no ship reaches another", async () => {
    const { create, sh, harbor } = await openHarbor({ isolated: true });
    const captain = harbor.captainAddress!;
    await create("a");
    await create("b");
    const addresses: string[] = [];
    for (const name of ["a", "b"])
      addresses.push(
        (
          await sh(name, `node -p 'Object.values(os.networkInterfaces()).flat().find(i=>!i.internal&&i.family=="IPv4").address'`)
        ).out.trim(),
      );
    const subnet = captain.replace(/\.1$/, "");
    expect(addresses).toEqual([`${subnet}.2`, `${subnet}.3`]);
    expect(harbor.fleet.all().map((ship) => ship.address)).toEqual(addresses);
    const here = await listener(captain);
    expect((await sh("a", dial(captain, here.port))).out).toBe("connected\n");
    expect((await sh("b", dial(captain, here.port))).out).toBe("connected\n");
    const loopback = await listener("127.0.0.1");
    expect((await sh("a", dial("127.0.0.1", loopback.port))).out).toBe("ECONNREFUSED\n");
    // A server in b, on all its addresses: b reaches it, the captain does, a does not, whatever a does with its routes.
    await sh("b", `tmux new-session -d "node -e 'require(\\"net\\").createServer(s=>s.end()).listen(7000)'"`);
    await until("b serves", async () => (await sh("b", dial("127.0.0.1", 7000))).out === "connected\n");
    expect(execFileSync("sh", ["-c", dial(addresses[1]!, 7000)], { encoding: "utf8" })).toBe("connected\n");
    expect((await sh("a", dial(addresses[1]!, 7000))).out).toMatch(/^(silence|EHOSTUNREACH)$/m);
    expect(readFileSync(`/proc/sys/net/ipv4/conf/${links().find((name) => /^oc\w{8}$/.test(name))}/forwarding`, "utf8")).toBe(
      "0\n",
    );
  });

  test("what goes by UDP to the captain's side arrives", async () => {
    const { createSocket } = await import("node:dgram");
    const { create, sh, harbor } = await openHarbor({ isolated: true });
    await create("a");
    const socket = createSocket("udp4");
    onTestFinished(() => void socket.close());
    const heard: string[] = [];
    socket.on("message", (data, from) => heard.push(`${data} from ${from.address}`));
    await new Promise<void>((done) => socket.bind(0, harbor.captainAddress!, done));
    const send = `require("dgram").createSocket("udp4").send("ahoy", ${socket.address().port}, "${harbor.captainAddress}", function(){this.close()})`;
    await sh("a", `node -e '${send}'`);
    await until("the datagram", () => heard.length > 0);
    expect(heard).toEqual([`ahoy from ${harbor.fleet.get("a")!.address}`]);
  });

  test("the confinement holds: files, processes, kernel settings, capabilities, and names", async () => {
    const { create, sh, home } = await openHarbor({ isolated: true });
    await create("a");
    for (const path of [homedir(), home, process.cwd(), "/var/log", "/opt"].filter(
      (path) => existsSync(path) && path !== "/root",
    ))
      expect(await sh("a", `test -e ${path} && ls -d ${path}/*`), path).toMatchObject({ code: 1, out: "" });
    expect((await sh("a", "ls -A /root /home /tmp ~")).out).toBe("/home:\nsprite\n\n/home/sprite:\n\n/root:\n\n/tmp:\n");
    expect((await sh("a", "id -un; ps -e -o comm= | sort -u | tr '\\n' ' '")).out).toBe("sprite\nbwrap ps sh sleep sort tr ");
    for (const path of ["/usr/x", "/proc/sys/kernel/core_pattern", "/proc/sys/net/ipv4/ip_forward", "/.sprite/logs/x"])
      expect((await sh("a", `echo x >${path}`)).code, path).not.toBe(0);
    expect((await sh("a", "grep Cap /proc/self/status | grep -v Bnd | grep -v 0000000000000000")).code).toBe(1);
    expect(
      (await sh("a", "ip link set eth0 down; ip address add 10.213.0.9/24 dev eth0; ip route del default")).err.match(
        /not permitted/g,
      ),
    ).toHaveLength(3);
    expect((await sh("a", "unshare --user --map-root-user ip link set eth0 down")).code).not.toBe(0);
    const start = performance.now();
    expect((await sh("a", "getent hosts example.com")).code).toBe(2);
    expect(performance.now() - start).toBeLessThan(4_000);
    expect(await sh("a", "kill 0; echo alive")).toMatchObject({ status: 200 });
  });

  test("a pause leaves namespace and address and cuts the ship's TCP; a cold start has the same address", async () => {
    const { create, sh, harbor, sleep, home } = await openHarbor({ isolated: true });
    await create("a");
    const captain = harbor.captainAddress!;
    const { port, sockets } = await listener(captain);
    const talk = `require("net").connect(${port},"${captain}").on("connect",()=>console.log("up")).on("error",e=>console.log(e.code)).on("close",()=>console.log("closed"))`;
    await sh("a", `tmux new-session -d "node -e '${talk.replaceAll('"', '\\"')}' >~/said"`);
    const [socket] = await until("the connection", () => (sockets.length > 0 ? sockets : undefined));
    let told = "";
    socket!.on("close", () => {
      told = "closed";
    });
    const network = (await sh("a", "readlink /proc/self/ns/net")).out;
    const namespace = pidNamespaceOf(home, "a");
    expect(networkOf(processesIn(namespace)[0]!)).toBe(network.trim());
    await sleep("a", "warm");
    expect(networkOf(processesIn(namespace)[0]!)).toBe(network.trim());
    // As to a machine that is not there: nobody answers.
    expect(execFileSync("sh", ["-c", dial(harbor.fleet.get("a")!.address!, 7000)], { encoding: "utf8" })).toMatch(
      /^(silence|EHOSTUNREACH)$/m,
    );
    expect(told).toBe("");
    expect((await sh("a", "readlink /proc/self/ns/net")).out).toBe(network);
    await until("the ship's end knows", async () => (await sh("a", "cat ~/said")).out.endsWith("closed\n"));
    expect((await sh("a", dial(captain, port))).out).toBe("connected\n");
    socket!.write("still there?");
    await until("the captain's end learns by writing", () => told);
    const address = "node -p 'os.networkInterfaces().eth0[0].address'";
    const before = (await sh("a", address)).out;
    await sleep("a", "cold");
    expect(links().filter((name) => /^oc\w{8}-/.test(name))).toEqual([]);
    expect((await sh("a", address)).out).toBe(before);
    expect((await sh("a", dial(captain, port))).out).toBe("connected\n");
  });

  test("nothing is left after a delete, and after the harbor's end, by the kernel's own listing", async () => {
    const before = { links: links(), namespaces: namespaces() };
    const home = temporaryFolder();
    const { create, sh, call, harbor, sleep } = await openHarbor({ isolated: true, home });
    for (const name of ["a", "b", "c"]) {
      await create(name);
      await sh(name, "true");
    }
    await sleep("b", "warm");
    expect(links().filter((name) => !before.links.includes(name))).toHaveLength(4);
    expect(namespaces()).not.toEqual(before.namespaces);
    for (const name of ["a", "b"]) expect((await call("DELETE", `/v1/sprites/${name}`)).status).toBe(204);
    expect(links().filter((name) => !before.links.includes(name))).toHaveLength(2);
    await create("d");
    expect(harbor.fleet.get("d")!.address).toMatch(/\.2$/);
    await harbor.close();
    expect(links()).toEqual(before.links);
    await until("the kernel has let go", () => namespaces().join() === before.namespaces.join());
  });

  test("after SIGKILL the next harbor sweeps what is left, its own only, and its ships keep their addresses", async () => {
    const home = temporaryFolder();
    vi.stubEnv("OCAPTAIN_HOME", home);
    vi.stubEnv("OCAPTAIN_HARBOR_NET", "isolated");
    onTestFinished(async () => {
      vi.stubEnv("OCAPTAIN_HOME", home);
      await stopHarbor();
      vi.unstubAllEnvs();
    });
    const other = await openHarbor({ isolated: true });
    await other.create("x");
    await other.sh("x", "true");
    const before = { links: links(), namespaces: namespaces() };
    const first = await ensureHarbor();
    expect(first.captainAddress).not.toBe(other.harbor.captainAddress);
    const api = caller(first.url, first.token);
    await api.create("a");
    const address = "node -p 'os.networkInterfaces().eth0[0].address'";
    const had = (await api.sh("a", address)).out;
    const namespace = pidNamespaceOf(harborHome(), "a");
    process.kill((await runningHarbor())!.pid, "SIGKILL");
    await until("the ship's end", () => processesIn(namespace).length === 0);
    await until("the namespace's end", () => namespaces().join() === before.namespaces.join());
    expect(links().filter((name) => !before.links.includes(name))).toEqual([expect.stringMatching(/^oc\w{8}$/)]);
    // Started without the wish, also: what a ship is, it stays.
    vi.stubEnv("OCAPTAIN_HARBOR_NET", "");
    const second = await ensureHarbor();
    expect(second.captainAddress).toBe(first.captainAddress);
    const again = caller(second.url, second.token);
    expect((await again.sh("a", address)).out).toBe(had);
    await again.create("shared");
    expect((await again.sh("shared", "readlink /proc/self/ns/net")).out.trim()).toBe(networkOf(process.pid));
    for (const name of ["a", "shared"]) await again.call("DELETE", `/v1/sprites/${name}`);
    process.kill((await runningHarbor())!.pid, "SIGKILL");
    const third = await ensureHarbor();
    expect(third.captainAddress).toBeUndefined();
    expect(links()).toEqual(before.links);
    expect((await other.sh("x", "true")).code).toBe(0);
  });
});
