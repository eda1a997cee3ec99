import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { latencyProfile } from "../../harbor/sprites/latency.ts";
import { stateOf } from "../support/processes.ts";
import { until } from "../support/until.ts";
import { connected, kinds, openHarbor, processesOf, sshBin } from "./fixture.ts";

const isInit = (pid: number) => /^NSpid:.*\t1$/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));

const commandLineOf = (pid: number) => readFileSync(`/proc/${pid}/cmdline`, "utf8");

describe.each(kinds)("$kind", ({ unconfined }) => {
  test("a sprite is cold until the first runtime call, frozen after 30 s without one, cold again 10 min later", async () => {
    const harbor = await openHarbor({ unconfined });
    await harbor.create("a");
    expect(await harbor.status("a")).toBe("cold");
    await harbor.sh("a", "echo kept >~/file; tmux new-session -d 'sleep 1000'");
    harbor.clock.advance(29_999);
    expect(await harbor.settledStatus("a")).toBe("running");
    const living = processesOf(harbor, "a");
    expect(living().length).toBeGreaterThan(1);
    harbor.clock.advance(1);
    await until("warm", async () => (await harbor.status("a")) === "warm");
    harbor.clock.advance(599_999);
    expect(await harbor.settledStatus("a")).toBe("warm");
    harbor.clock.advance(1);
    await until("cold", async () => (await harbor.status("a")) === "cold");
    expect(living()).toEqual([]);
    expect(await harbor.sh("a", "cat ~/file; tmux ls")).toMatchObject({ out: "kept\n", code: 1 });
  });

  test("a frozen ship runs nothing at all, and goes on where it was with the same processes", async () => {
    const harbor = await openHarbor({ unconfined });
    await harbor.create("a");
    const busy = "i=0; while :; do i=$((i+1)); sh -c true; echo $i >~/count; done";
    await harbor.sh("a", `for n in 1 2 3; do tmux new-session -d "${busy}"; done; bash -c "${busy}" >/dev/null 2>&1 &`);
    await until("it counts", async () => (await harbor.sh("a", "cat ~/count")).out !== "");
    const before = (await harbor.sh("a", "tmux list-panes -a -F '#{pane_pid}'")).out;
    for (let round = 0; round < 5; round++) {
      const living = processesOf(harbor, "a");
      harbor.clock.advance(30_000);
      await until("warm", async () => (await harbor.status("a")) === "warm");
      const ship = living();
      expect(ship.length).toBeGreaterThan(4);
      const used = () =>
        ship.map((pid) =>
          readFileSync(`/proc/${pid}/stat`, "utf8")
            .replace(/^.*\) /, "")
            .split(" ")
            .slice(11, 13),
        );
      const usedBefore = used();
      expect(
        ship
          .filter((pid) => !isInit(pid))
          .map(stateOf)
          .filter((state) => !"TDZ".includes(state!)),
      ).toEqual([]);
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(used()).toEqual(usedBefore);
      expect((await harbor.sh("a", "tmux list-panes -a -F '#{pane_pid}'")).out).toBe(before);
    }
    const count = (await harbor.sh("a", "cat ~/count")).out;
    await until("it counts on", async () => (await harbor.sh("a", "cat ~/count")).out !== count);
  });

  test("an interactive shell keeps its foreground job over a freeze", async () => {
    const harbor = await openHarbor({ unconfined });
    await harbor.create("a");
    await harbor.sh("a", "tmux new-session -d -s t 'bash --norc'; tmux send-keys -t t 'sleep 1.5; echo went-on' Enter");
    await until(
      "the job runs",
      async () => (await harbor.sh("a", "tmux list-panes -F '#{pane_current_command}'")).out === "sleep\n",
    );
    for (let round = 0; round < 10; round++) {
      harbor.clock.advance(30_000);
      await until("warm", async () => (await harbor.status("a")) === "warm");
      await harbor.sh("a", "true");
    }
    const screen = async () => (await harbor.sh("a", "tmux capture-pane -p -t t")).out;
    const end = await until("the job's end", async () => {
      const text = await screen();
      return /^went-on$/m.test(text) ? text : "";
    });
    expect(end).not.toContain("Stopped");
  });

  test("a detached terminal goes on after its client, is listed, and keeps nobody awake", async () => {
    const harbor = await openHarbor({ unconfined });
    await harbor.create("a");
    const { socket, id } = await connected(harbor.harbor, "a", ["sh", "-c", "echo here; sleep 1000"], "&tty=true");
    socket.close();
    await once(socket, "close");
    const listed = (await harbor.call("GET", "/v1/sprites/a/exec")).json<{ sessions: { id: string; tty: boolean }[] }>();
    expect(listed.sessions).toMatchObject([{ id, tty: true }]);
    await until("asleep", async () => {
      harbor.clock.advance(30_000);
      return (await harbor.status("a")) === "warm";
    });
    const after = (await harbor.call("GET", "/v1/sprites/a/exec")).json<{ sessions: { id: string }[] }>();
    expect(after.sessions).toMatchObject([{ id }]);
    const killed = await harbor.call("POST", `/v1/sprites/a/exec/${id}/kill?signal=SIGKILL`);
    expect(
      killed.text
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line).type),
    ).toEqual(["signal", "exited", "complete"]);
  });

  test("a terminal is one of the ship's own, which a program there finds by its name; it goes on over a freeze, and ends with its command", async () => {
    const harbor = await openHarbor({ unconfined });
    await harbor.create("a");
    const { socket, id } = await connected(harbor.harbor, "a", ["bash", "--norc"], "&tty=true&env=COLOUR%3Dblue");
    let screen = "";
    socket.on("message", (data, binary) => {
      if (binary) screen += data;
    });
    socket.send(Buffer.from("tty; tmux -f /dev/null new-session 'echo in-$TMUX_PANE-$COLOUR; sleep 1000'\n"));
    await until("tmux takes the terminal", () => screen.includes("in-%0-blue"));
    const name = /^\/dev\/pts\/\d+/m.exec(screen)![0];
    expect((await harbor.sh("a", "tmux list-clients -F '#{client_tty}'")).out.trim()).toBe(name);
    // What the command was given is not in the command line of the program that holds its terminal.
    const holders = () => processesOf(harbor, "a")().filter((pid) => commandLineOf(pid).includes("terminal.mjs"));
    expect(holders()).toHaveLength(1);
    expect(commandLineOf(holders()[0]!)).not.toContain("COLOUR");
    await harbor.sleep("a", "warm");
    await harbor.sh("a", "true");
    socket.send(Buffer.from("\x02d"));
    await until("the key's answer, after the freeze", () => screen.includes("[detached"));
    const killed = await harbor.call("POST", `/v1/sprites/a/exec/${id}/kill?signal=SIGKILL`);
    expect(killed.text).toContain('"exit_code":137');
    const { sessions } = (await harbor.call("GET", "/v1/sprites/a/exec")).json<{ sessions: unknown[] }>();
    expect(sessions).toEqual([]);
    expect(holders()).toEqual([]);
    socket.terminate();
  });

  test("a plain command whose client went is ended after 10 s", async () => {
    const harbor = await openHarbor({ unconfined });
    await harbor.create("a");
    const { socket } = await connected(harbor.harbor, "a", ["sleep", "1000"]);
    socket.close();
    await once(socket, "close");
    const count = async () => (await harbor.call("GET", "/v1/sprites/a/exec")).json<{ count: number }>().count;
    expect(await count()).toBe(1);
    await until("ended", async () => {
      harbor.clock.advance(10_000);
      return (await count()) === 0;
    });
  });

  test("a hold that is given back lets it sleep 30 s later; upserts and deletes answer as documented", async () => {
    const harbor = await openHarbor({ unconfined });
    await harbor.create("a");
    const api = async (args: string) => (await harbor.sh("a", `sprite-env curl -o /dev/null -w '%{http_code}' ${args}`)).out;
    expect(await api(`-X PUT /v1/tasks -d '{"name":"h","expire":"5m"}'`)).toBe("200");
    expect(await api(`-X PUT /v1/tasks/h -d '{"expire":120}'`)).toBe("200");
    expect(await api("/v1/tasks/h")).toBe("200");
    expect(await api("-X DELETE /v1/tasks/h")).toBe("204");
    expect(await api("-X DELETE /v1/tasks/h")).toBe("404");
    expect(await api("/v1/tasks/h")).toBe("404");
    harbor.clock.advance(30_000);
    await until("warm", async () => (await harbor.status("a")) === "warm");
  });

  test("reads and label updates wake nothing; a file call does", async () => {
    const harbor = await openHarbor({ unconfined });
    await harbor.create("a");
    await harbor.call("PUT", "/v1/sprites/a", { labels: ["x"] });
    await harbor.call("GET", "/v1/sprites?prefix=a");
    expect(await harbor.status("a")).toBe("cold");
    expect((await harbor.call("PUT", "/v1/sprites/a/fs/write?path=~/f", "text")).status).toBe(200);
    expect(await harbor.status("a")).toBe("running");
    await harbor.sleep("a", "warm");
    expect(await harbor.status("a")).toBe("warm");
    expect((await harbor.call("GET", "/v1/sprites/a/fs/read?path=~/f")).text).toBe("text");
    expect(await harbor.status("a")).toBe("running");
  });

  test("ssh enters a ship that is awake, is cut by a freeze, and never wakes one", async () => {
    const harbor = await openHarbor({ unconfined });
    await harbor.create("a");
    const env = { ...process.env, OCAPTAIN_HARBOR_HOME: harbor.home };
    const ssh = (...args: string[]) => promisify(execFile)(join(sshBin, "ssh"), args, { env, timeout: 10_000 });
    const asleep = { code: 255, stderr: expect.stringContaining("Connection timed out") };
    await expect(ssh("sprite@a", "true")).rejects.toMatchObject(asleep);
    expect(await harbor.status("a")).toBe("cold");
    const { out } = await harbor.sh("a", "id -un; pwd");
    if (!unconfined) expect(out).toBe("sprite\n/home/sprite\n");
    const options = ["-oConnectTimeout=5", "-oServerAliveInterval=10", "-oServerAliveCountMax=1"];
    expect((await ssh(...options, "sprite@a", "id -un; pwd; echo", "two words")).stdout).toBe(`${out}two words\n`);
    await expect(ssh("sprite@a", "exit 7")).rejects.toMatchObject({ code: 7 });
    const living = processesOf(harbor, "a");
    const before = living().length;
    const agent = spawn(join(sshBin, "ssh"), ["sprite@a", "echo up; exec cat"], { env, stdio: ["pipe", "pipe", "inherit"] });
    await once(agent.stdout, "data");
    expect(living().length).toBeGreaterThan(before);
    harbor.clock.advance(30_000);
    await once(agent, "close");
    await until("warm", async () => (await harbor.status("a")) === "warm");
    await until("the agent's end", () => living().length === before);
    await expect(ssh("sprite@a", "true")).rejects.toMatchObject(asleep);
    expect(await harbor.status("a")).toBe("warm");
    await harbor.sh("a", "true");
    expect((await ssh("a", "echo again")).stdout).toBe("again\n");
  });

  test("scp copies into the ship's home and keeps a file executable for its owner", async () => {
    const harbor = await openHarbor({ unconfined });
    await harbor.create("a");
    await harbor.sh("a", "true");
    const env = { ...process.env, OCAPTAIN_HARBOR_HOME: harbor.home };
    await promisify(execFile)(join(sshBin, "scp"), ["-C", "-oConnectTimeout=5", "ssh", "sprite@a:.agent"], {
      env,
      cwd: sshBin,
      timeout: 10_000,
    });
    expect((await harbor.sh("a", "stat -c %a ~/.agent")).out).toBe("700\n");
    expect((await harbor.sh("a", "cat ~/.agent")).out).toBe(readFileSync(join(sshBin, "ssh"), "utf8"));
  });
});

test("a connected, quiet command keeps it awake; its end, or the connection's, does not", async () => {
  const harbor = await openHarbor();
  await harbor.create("a");
  const { socket } = await connected(harbor.harbor, "a", ["sleep", "1000"], "&max_run_after_disconnect=0");
  harbor.clock.advance(3_600_000);
  expect(await harbor.settledStatus("a")).toBe("running");
  socket.close();
  await once(socket, "close");
  await until("asleep", async () => {
    harbor.clock.advance(30_000);
    return (await harbor.status("a")) === "warm";
  });
});

test("a client's input that comes before its command has started is not lost", async () => {
  const harbor = await openHarbor({ latency: { ...latencyProfile("none"), execMs: 1000 } });
  await harbor.create("a");
  const socket = new WebSocket(`${harbor.harbor.url.replace("http", "ws")}/v1/sprites/a/exec?cmd=cat`, {
    headers: { authorization: `Bearer ${harbor.harbor.token}` },
  });
  await once(socket, "open");
  socket.send(Buffer.from("\0early"));
  socket.send(Buffer.of(4));
  await harbor.call("GET", "/v1/sprites");
  let out = "";
  socket.on("message", (data: Buffer, binary: boolean) => {
    if (binary && data[0] === 1) out += data.subarray(1);
  });
  harbor.clock.advance(1000);
  await until("the echo", () => out === "early");
});

test("a live hold keeps it awake, for an hour at most; when it ends, it may sleep", async () => {
  const harbor = await openHarbor();
  await harbor.create("a");
  const hold = (body: string) => harbor.sh("a", `sprite-env curl -w ' %{http_code}' -X POST /v1/tasks -d '${body}'`);
  expect((await hold('{"name":"h","expire":"61m"}')).out).toMatch(/400$/);
  expect((await hold('{"name":"h","expire":"1h"}')).out).toMatch(/201$/);
  expect((await hold('{"name":"h","expire":"1h"}')).out).toMatch(/409$/);
  for (let minute = 0; minute < 59; minute++) {
    harbor.clock.advance(60_000);
    expect(await harbor.settledStatus("a")).toBe("running");
  }
  harbor.clock.advance(59_000);
  harbor.clock.advance(31_000);
  await until("warm", async () => (await harbor.status("a")) === "warm");
  expect((await harbor.sh("a", "sprite-env curl /v1/tasks")).out).toBe('{"tasks":[]}');
});

/** Counts the bytes that have come to `port` of this machine from its port `from`, and that nobody has read. */
function unread(port: number, from: number): number {
  const hex = (value: number) => `0100007F:${value.toString(16).toUpperCase().padStart(4, "0")}`;
  const line = readFileSync("/proc/net/tcp", "utf8")
    .split("\n")
    .find((entry) => entry.includes(` ${hex(port)} ${hex(from)} `));
  return Number.parseInt(/ [0-9A-F]{8}:([0-9A-F]{8}) /.exec(line ?? "")?.[1] ?? "0", 16);
}

test("traffic to a port of the ship neither keeps it awake nor wakes it", async () => {
  const harbor = await openHarbor();
  await harbor.create("a");
  const serve =
    "require('net').createServer(s=>s.on('data',d=>s.write(d))).listen(0,'127.0.0.1',function(){console.log(this.address().port)})";
  await harbor.sh("a", `tmux new-session -d "node -e \\"${serve}\\" >~/port"`);
  const port = Number(await until("a port", async () => (await harbor.sh("a", "cat ~/port")).out.trim()));
  const peer = connect(port, "127.0.0.1");
  let echoed = 0;
  peer.on("data", () => echoed++).on("error", () => {});
  await until("an echo", () => {
    peer.write("x");
    return echoed > 0;
  });
  harbor.clock.advance(30_000);
  await until("warm", async () => (await harbor.status("a")) === "warm");
  const before = echoed;
  peer.write("y");
  await until("it waits at the ship's door", () => unread(port, peer.localPort!) > 0);
  expect(echoed).toBe(before);
  expect(await harbor.status("a")).toBe("warm");
  peer.destroy();
});

test("a ship whose processes die by themselves is cold, and wakes again", async () => {
  const harbor = await openHarbor();
  await harbor.create("a");
  await harbor.sh("a", "echo x >~/f");
  await harbor.sh("a", "kill -9 -1").catch(() => {});
  await until("cold", async () => (await harbor.status("a")) === "cold");
  expect((await harbor.sh("a", "cat ~/f")).out).toBe("x\n");
});

test("many calls to a sleeping ship wake it once", async () => {
  const harbor = await openHarbor();
  await harbor.create("a");
  const all = await Promise.all(Array.from({ length: 8 }, () => harbor.sh("a", "readlink /proc/self/ns/pid")));
  expect(new Set(all.map(({ out }) => out)).size).toBe(1);
});
