import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, vi } from "vitest";
import { WebSocket } from "ws";
import { type Harbor, type HarborOptions, startHarbor } from "../../harbor/harbor.ts";
import { stopHarbor } from "../../lib/daemons/harbor.ts";
import { readExecStream } from "../../lib/sprites/exec-stream.ts";
import { stateOf } from "../support/processes.ts";
import { FakeClock } from "./fake-clock.ts";

export const sshBin = fileURLToPath(new URL("../../harbor/ssh-bin", import.meta.url));

export type Answer = { status: number; headers: Headers; text: string; json<T = Record<string, unknown>>(): T };
export type ExecAnswer = { code: number; out: string; err: string; status: number };

/** Makes a folder with a short name that is removed with the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "hb-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/**
 * Gives the test a captain's home of its own, whose harbor daemon, if the test starts one, ends with it. `net` is the
 * value of OCAPTAIN_HARBOR_NET.
 */
export function ownHarborHome(net = ""): void {
  const home = temporaryFolder();
  vi.stubEnv("OCAPTAIN_HOME", home);
  vi.stubEnv("OCAPTAIN_HARBOR_NET", net);
  onTestFinished(async () => {
    vi.stubEnv("OCAPTAIN_HOME", home);
    await stopHarbor();
    vi.unstubAllEnvs();
  });
}

/** Opens a harbor in this process, on a clock that stands still, with plain calls to it. */
export async function openHarbor(options: Partial<HarborOptions> = {}) {
  const home = options.home ?? temporaryFolder();
  const clock = new FakeClock();
  const events: string[] = [];
  const harbor = await startHarbor({ clock, ...options, home, event: (text) => events.push(text) });
  onTestFinished(async () => {
    await harbor.close();
    expect(events.filter((text) => /did not|could not/.test(text))).toEqual([]);
  });
  const settledStatus = async (name: string) => {
    await harbor.ships.get(name)!.settled();
    return harbor.ships.get(name)!.status;
  };
  /** With it comes `settledStatus`, which gives the status once all that the clock set off is done. */
  return { home, clock, harbor, settledStatus, ...caller(harbor.url, harbor.token) };
}

/** Calls the API as a client of it does. */
export function caller(url: string, token: string) {
  async function call(
    method: string,
    path: string,
    body?: string | object,
    signal = AbortSignal.timeout(20_000),
  ): Promise<Answer> {
    const sent = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
    const reply = await fetch(url + path, { method, headers: { authorization: `Bearer ${token}` }, body: sent ?? null, signal });
    const text = await reply.text();
    return { status: reply.status, headers: reply.headers, text, json: () => JSON.parse(text) };
  }
  return {
    call,
    create: (name: string, labels: string[] = []) => call("POST", "/v1/sprites", { name, labels }),
    async status(name: string): Promise<string> {
      return (await call("GET", `/v1/sprites/${name}`)).json<{ status: string }>().status;
    },
    sleep: (name: string, to: "warm" | "cold") => call("POST", `/__harbor/sprites/${name}/sleep`, { to }),
    /** Runs a shell command over HTTP. */
    async sh(name: string, script: string, input = "", timeoutMs = 20_000): Promise<ExecAnswer> {
      const query = ["sh", "-c", script].map((word) => `cmd=${encodeURIComponent(word)}`).join("&");
      const reply = await fetch(`${url}/v1/sprites/${name}/exec?${query}`, {
        method: "POST",
        headers: { authorization: `Bearer ${token}` },
        body: input,
        signal: AbortSignal.timeout(timeoutMs),
      });
      const answer: ExecAnswer = { code: -1, out: "", err: "", status: reply.status };
      if (reply.status !== 200) return { ...answer, err: await reply.text() };
      const result = readExecStream(Buffer.from(await reply.arrayBuffer()));
      if (!result) return answer; // There is no exit mark, so nothing is known of the command.
      return { ...answer, code: result.exitCode, out: result.stdout, err: result.stderr };
    },
  };
}

/** Opens a connected exec, and resolves once its session is reported. */
export async function connected(
  { url, token }: { url: string; token: string },
  name: string,
  argv: string[],
  more = "",
): Promise<{ socket: WebSocket; id: string }> {
  const query = argv.map((word) => `cmd=${encodeURIComponent(word)}`).join("&");
  const socket = new WebSocket(`${url.replace("http", "ws")}/v1/sprites/${name}/exec?${query}${more}`, {
    headers: { authorization: `Bearer ${token}` },
  });
  const [first] = await once(socket, "message");
  const info = JSON.parse(String(first)) as { type: string; session_id: string };
  expect(info.type).toBe("session_info");
  return { socket, id: info.session_id };
}

/** The pid namespace of a ship that runs, as `pid:[…]`. */
export const pidNamespaceOf = (home: string, name: string) =>
  /pid:\[\d+\]/.exec(readFileSync(join(home, "awake", name), "utf8"))![0];

/** All processes of this machine that `wanted` accepts; those that end meanwhile are left out. */
export function processes(wanted: (pid: string) => boolean): number[] {
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .filter((pid) => {
      try {
        return wanted(pid);
      } catch {
        return false;
      }
    })
    .map(Number);
}

/**
 * Gives a function that looks for the processes of a ship that runs now; it finds them later too, when the ship is
 * gone.
 */
export function processesOf({ harbor, home }: { harbor: Harbor; home: string }, name: string): () => number[] {
  const { record, folder } = harbor.ships.get(name)!;
  if (record.unconfined) return () => processesMarked(folder);
  const namespace = pidNamespaceOf(home, name);
  return () => processesIn(namespace);
}

/** Lists living processes that have an unconfined ship's home in their environment. */
export const processesMarked = (folder: string) =>
  processes((pid) => readFileSync(`/proc/${pid}/environ`, "utf8").includes(`${folder}/home`) && stateOf(Number(pid)) !== "Z");

export const kinds = [
  { kind: "confined", unconfined: false },
  { kind: "unconfined", unconfined: true },
];

export const processesIn = (pidNamespace: string) => processes((pid) => readlinkSync(`/proc/${pid}/ns/pid`) === pidNamespace);
/** Finds processes that have `text` in their command line, except this one. */
export const processesWith = (text: string) =>
  processes((pid) => Number(pid) !== process.pid && readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(text));
