import { execFileSync, spawnSync } from "node:child_process";
import { chownSync, existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { WebSocket } from "ws";
import { ensureHarbor, runningHarbor } from "../../lib/daemons/harbor.ts";
import { AS_NOBODY, anyUsersNode, NOBODY } from "../support/any-users-node.ts";
import { until } from "../support/until.ts";
import { caller, openHarbor, ownHarborHome, pidNamespaceOf, processesIn, sshBin, temporaryFolder } from "./fixture.ts";

const main = fileURLToPath(new URL("../../harbor/main.ts", import.meta.url));
const ip = (...args: string[]) => execFileSync("ip", args, { encoding: "utf8" });
/** Lists the network links of the harbor whose ships reach the captain's side at this address, its bridge first. */
function linksOf(captainAddress: string): () => string[] {
  const all = JSON.parse(ip("-json", "address")) as { ifname: string; addr_info: { local: string }[] }[];
  const bridge = all.find(({ addr_info }) => addr_info.some(({ local }) => local === captainAddress))!.ifname;
  expect(bridge).toMatch(/^oc[0-9a-f]{8}$/);
  const names = () => (JSON.parse(ip("-json", "link")) as { ifname: string }[]).map(({ ifname }) => ifname);
  return () => names().filter((name) => name === bridge || name.startsWith(`${bridge}-`));
}
/** Says which of these network namespaces, given as `net:[…]`, any process is still in, as the kernel lists them. */
const alive = (networks: string[]) => {
  const all = execFileSync("lsns", ["-n", "-t", "net", "-o", "NS"], { encoding: "utf8" }).split(/\s+/);
  return networks.filter((network) => all.includes(/\d+/.exec(network)![0]));
};
const OWN_NETWORK = "readlink /proc/self/ns/net";
const networkOf = (pid: number) => readlinkSync(`/proc/${pid}/ns/net`);

/** A program that tries TCP from a ship; it prints what it got, or the code of the error. */
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
    const gateway = () => /link\/ether (\S+)/.exec(ip("link", "show", linksOf(captain)()[0]!))![1];
    const hardware = gateway();
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
    expect(gateway(), "what ships have learnt of it stays true when one comes or goes").toBe(hardware);
    expect(harbor.ships.all().map((ship) => ship.address)).toEqual(addresses);
    const here = await listener(captain);
    expect((await sh("a", dial(captain, here.port))).out).toBe("connected\n");
    expect((await sh("b", dial(captain, here.port))).out).toBe("connected\n");
    const loopback = await listener("127.0.0.1");
    expect((await sh("a", dial("127.0.0.1", loopback.port))).out).toBe("ECONNREFUSED\n");
    // A server in b listens on all its addresses: b reaches it, and so does the captain, but a does not, whatever a
    // does with its routes.
    await sh(
      "b",
      `tmux new-session -d "node -e 'require(\\"net\\").createServer(s=>s.on(\\"error\\",()=>{}).end()).listen(7000)'"`,
    );
    await until("b serves", async () => (await sh("b", dial("127.0.0.1", 7000))).out === "connected\n");
    expect(execFileSync("sh", ["-c", dial(addresses[1]!, 7000)], { encoding: "utf8" })).toBe("connected\n");
    expect((await sh("a", dial(addresses[1]!, 7000))).out).toMatch(/^(silence|EHOSTUNREACH)$/m);
    expect(readFileSync(`/proc/sys/net/ipv4/conf/${linksOf(captain)()[0]}/forwarding`, "utf8")).toBe("0\n");
  });

  test("the captain's address is chosen once: ships keep it in what they know of the captain", async () => {
    const home = temporaryFolder();
    writeFileSync(join(home, "subnet"), "10.214.77");
    const { harbor } = await openHarbor({ isolated: true, home });
    expect(harbor.captainAddress).toBe("10.214.77.1");
    // The machine has a route of its own to that subnet, which the harbor does not shadow, but reports.
    const second = temporaryFolder();
    writeFileSync(join(second, "subnet"), "10.214.77");
    await expect(openHarbor({ isolated: true, home: second })).rejects.toMatchObject({
      code: "NET_ISOLATED",
      message: expect.stringContaining("10.214.77"),
    });
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
    expect(heard).toEqual([`ahoy from ${harbor.ships.get("a")!.address}`]);
  });

  test("exec, services, ssh and the proxy are in the ship's network", async () => {
    const { create, sh, call, home, harbor } = await openHarbor({ isolated: true });
    await create("a");
    const network = (await sh("a", OWN_NETWORK)).out;
    expect(network.trim()).not.toBe(networkOf(process.pid));
    const serve = `console.log(require("fs").readlinkSync("/proc/self/ns/net"));require("net").createServer(s=>s.on("error",()=>{}).end("from the ship")).listen(7000,"127.0.0.1")`;
    await call("PUT", "/v1/sprites/a/services/s?duration=10ms", { cmd: "node", args: ["-e", serve] });
    await until("it serves", async () => (await sh("a", dial("127.0.0.1", 7000))).out === "connected\n");
    expect((await call("GET", "/v1/sprites/a/services/s/logs")).text).toContain(network.trim());
    const env = { ...process.env, OCAPTAIN_HARBOR_HOME: home };
    expect(execFileSync(join(sshBin, "ssh"), ["a", OWN_NETWORK], { env, encoding: "utf8" })).toBe(network);
    const socket = new WebSocket(`${harbor.url.replace("http", "ws")}/v1/sprites/a/proxy`, {
      headers: { authorization: `Bearer ${harbor.token}` },
    });
    const heard: string[] = [];
    socket.on("message", (data) => heard.push(String(data)));
    socket.on("open", () => socket.send(JSON.stringify({ host: "localhost", port: 7000 })));
    await until("the proxy's end", () => socket.readyState === WebSocket.CLOSED);
    expect(heard).toEqual([JSON.stringify({ status: "connected", target: "localhost:7000" }), "from the ship"]);
  });

  test("the confinement holds: files, processes, kernel settings, capabilities, and names", async () => {
    const { create, sh, home } = await openHarbor({ isolated: true });
    await create("a");
    for (const path of [homedir(), home, process.cwd(), "/var/log", "/opt"].filter(
      (path) => existsSync(path) && path !== "/root",
    ))
      expect(await sh("a", `test -e ${path} && ls -d ${path}/*`), path).toMatchObject({ code: 1, out: "" });
    expect((await sh("a", "ls -A /root /home /tmp ~")).out).toBe("/home:\nsprite\n\n/home/sprite:\n\n/root:\n\n/tmp:\n");
    expect((await sh("a", "id -un; seen=$(ps -e -o comm=); echo \"$seen\" | sort -u | tr '\\n' ' '")).out).toBe(
      "sprite\nbwrap ps sh sleep ",
    );
    for (const path of ["/usr/x", "/proc/sys/kernel/core_pattern", "/proc/sys/net/ipv4/ip_forward", "/.sprite/logs/x"])
      expect((await sh("a", `echo x >${path}`)).code, path).not.toBe(0);
    expect((await sh("a", "grep Cap /proc/self/status | grep -v Bnd | grep -v 0000000000000000")).code).toBe(1);
    expect(
      (await sh("a", "ip link set eth0 down; ip address add 10.213.0.9/24 dev eth0; ip route del default")).err.match(
        /not permitted/g,
      ),
    ).toHaveLength(3);
    expect((await sh("a", "unshare --user --map-root-user ip link set eth0 down")).code).not.toBe(0);
    // No server is asked for a name, so that nobody waits for one that cannot be reached.
    expect((await sh("a", "cat /etc/resolv.conf")).out).not.toContain("nameserver");
    expect((await sh("a", "getent hosts example.com")).code).toBe(2);
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
    // Nobody answers, as at a machine that is not there.
    expect(execFileSync("sh", ["-c", dial(harbor.ships.get("a")!.address!, 7000)], { encoding: "utf8" })).toMatch(
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
    expect(linksOf(captain)()).toHaveLength(1);
    expect((await sh("a", address)).out).toBe(before);
    expect((await sh("a", dial(captain, port))).out).toBe("connected\n");
  });

  test("nothing is left after a delete, and after the harbor's end, by the kernel's own listing", async () => {
    const { create, sh, call, harbor, sleep } = await openHarbor({ isolated: true });
    const named = ip("netns", "list");
    const links = linksOf(harbor.captainAddress!);
    const networks: string[] = [];
    for (const name of ["a", "b", "c"]) {
      await create(name);
      networks.push((await sh(name, OWN_NETWORK)).out.trim());
    }
    await sleep("b", "warm");
    expect([links().length, alive(networks).length]).toEqual([4, 3]);
    for (const name of ["a", "b"]) expect((await call("DELETE", `/v1/sprites/${name}`)).status).toBe(204);
    expect([links().length, alive(networks)]).toEqual([2, [networks[2]]]);
    await create("d");
    expect(harbor.ships.get("d")!.address).toMatch(/\.2$/);
    await harbor.close();
    expect([links(), alive(networks), ip("netns", "list")]).toEqual([[], [], named]);
  });

  test("after SIGKILL the next harbor sweeps what is left, its own only, and its ships keep their addresses", async () => {
    ownHarborHome("isolated");
    const other = await openHarbor({ isolated: true });
    await other.create("x");
    await other.sh("x", "true");
    const first = await ensureHarbor();
    expect(first.captainAddress).not.toBe(other.harbor.captainAddress);
    const links = linksOf(first.captainAddress!);
    const api = caller(first.url, first.token);
    await api.create("a");
    const address = "node -p 'os.networkInterfaces().eth0[0].address'";
    const had = (await api.sh("a", address)).out;
    const network = (await api.sh("a", OWN_NETWORK)).out.trim();
    process.kill((await runningHarbor())!.pid, "SIGKILL");
    await until("the namespace's end", () => alive([network]).length === 0);
    await until("the ship's link's", () => links().length === 1);
    // It is started without the wish for a network, too: a ship stays what it is.
    vi.stubEnv("OCAPTAIN_HARBOR_NET", "");
    const second = await ensureHarbor();
    expect(second.captainAddress).toBe(first.captainAddress);
    const again = caller(second.url, second.token);
    expect((await again.sh("a", address)).out).toBe(had);
    await again.create("shared");
    expect((await again.sh("shared", OWN_NETWORK)).out.trim()).toBe(networkOf(process.pid));
    for (const name of ["a", "shared"]) await again.call("DELETE", `/v1/sprites/${name}`);
    process.kill((await runningHarbor())!.pid, "SIGKILL");
    expect((await ensureHarbor()).captainAddress).toBeUndefined();
    expect(links()).toEqual([]);
    expect(linksOf(other.harbor.captainAddress!)()).toHaveLength(2);
    expect((await other.sh("x", "true")).code).toBe(0);
  });

  test("without root it says so, and what helps", async () => {
    const home = temporaryFolder();
    chownSync(home, NOBODY, NOBODY);
    const env = { PATH: process.env.PATH, HOME: home, OCAPTAIN_HOME: home, OCAPTAIN_HARBOR_NET: "isolated" };
    const run = spawnSync("setpriv", [...AS_NOBODY, anyUsersNode(home), main], { env, encoding: "utf8", timeout: 20_000 });
    expect(run).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/networks of their own.*not permitted[\s\S]*hint: run the harbor as root/),
    });
  });
});

test("a network that there is not, and one for unconfined ships, are refused before anything is made", () => {
  const home = temporaryFolder();
  const harbor = (...args: string[]) =>
    spawnSync(process.execPath, [main, ...args], {
      env: { ...process.env, OCAPTAIN_HOME: home },
      encoding: "utf8",
      timeout: 20_000,
    });
  expect(harbor("--net", "wide")).toMatchObject({ status: 1, stderr: expect.stringContaining("--net shared  # or isolated") });
  expect(harbor("--net", "isolated", "--unconfined")).toMatchObject({
    status: 1,
    stderr: expect.stringContaining("take one of the two"),
  });
  expect(readdirSync(home)).toEqual([]);
});
