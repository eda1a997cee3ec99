import { spawn, spawnSync } from "node:child_process";
import fs, { chmodSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import { dirname, join } from "node:path";
import type { Fault, Trouble } from "../history.ts";
import { effect } from "./effects.ts";

const require = createRequire(import.meta.url);

/** The address under which the provider is called; nobody listens there. */
export const PROVIDER_URL = "http://127.0.0.1:9";

/** A VM: its home is a folder, and its tmux sessions are files in it. */
export type Vm = { name: string; id: string; labels: string[]; home: string };

type Kind = Extract<Trouble, { do: "fault" }>["on"];

/** A tmux that keeps its sessions as files, and runs nothing in them. */
const TMUX = `#!/bin/sh
name=
for word; do case $word in has-session|new-session|kill-session|list-panes) verb=$word ;; =*) name=\${word#=} ;; crew|claude|provision) name=$word ;; esac; done
file="$HOME/.tmux/$name"
case $verb in
has-session) [ -e "$file" ] ;;
new-session) mkdir -p "$HOME/.tmux" && : > "$file" ;;
kill-session) rm "$file" 2>/dev/null ;;
list-panes) [ -e "$file" ] && echo 999999999 ;;
esac
`;

/**
 * A model of the provider: the sprites API, answered in this process instead of over the network, with VMs that are
 * folders. Commands run in them for real.
 */
export class Provider {
  readonly vms = new Map<string, Vm>();
  readonly #folder: string;
  readonly #bin: string;
  readonly #faults: { on: Kind; fault: Fault; times: number }[] = [];
  #minted = 0;
  /** Whether the captain does not reach the provider. */
  cut = false;
  /** The ids of VMs that do not reach the helm. */
  readonly cutOff = new Set<string>();
  /** Looks at a VM after each command: its crew may have been started or ended. */
  onExec: (vm: Vm) => Promise<void> = async () => {};
  /** Is told of a VM that is no more. */
  onGone: (vm: Vm) => void = () => {};
  /** The names of files with a mark that were on VMs which were deleted by a call, and not by somebody. */
  readonly deleted: string[] = [];

  constructor(folder: string) {
    this.#folder = folder;
    this.#bin = join(folder, "bin");
    for (const [name, text] of Object.entries({ tmux: TMUX, "sprite-env": "#!/bin/sh\nexit 0\n" })) {
      mkdirSync(this.#bin, { recursive: true });
      writeFileSync(join(this.#bin, name), text);
      chmodSync(join(this.#bin, name), 0o755);
    }
  }

  fault(on: Kind, fault: Fault, times: number): void {
    this.#faults.push({ on, fault, times });
  }

  /** No fault is left, and the network is whole. */
  relieve(): void {
    this.#faults.length = 0;
    this.cut = false;
    this.cutOff.clear();
  }

  get isCalm(): boolean {
    return !this.cut && this.cutOff.size === 0 && this.#faults.length === 0;
  }

  make(name: string, labels: string[]): Vm {
    const id = `vm-${++this.#minted}`;
    const vm = { name, id, labels, home: join(this.#folder, id) };
    mkdirSync(vm.home, { recursive: true });
    this.vms.set(name, vm);
    return vm;
  }

  remove(name: string): void {
    const vm = this.vms.get(name);
    if (!vm) return;
    this.vms.delete(name);
    this.onGone(vm);
    rmSync(vm.home, { recursive: true, force: true });
  }

  /** Answers a request as the provider does, or as its faults would have it. */
  async fetch(url: URL, init: RequestInit): Promise<Response> {
    const method = init.method ?? "GET";
    const [, , , name, verb] = url.pathname.split("/").map(decodeURIComponent);
    const kinds: Record<string, Kind> = { POST: "create", GET: name ? "get" : "list", DELETE: "delete" };
    const kind = verb ? "exec" : (kinds[method] ?? "get");
    return effect(async () => {
      if (this.cut) throw new TypeError("fetch failed", { cause: Object.assign(new Error("refused"), { code: "ECONNREFUSED" }) });
      const work = () => this.#answer(method, name, verb, url.searchParams, init.body);
      switch (verb === "policy" ? undefined : this.#take(kind)) {
        case "rate-limit":
          return said(429, { error: "too many" }, { "retry-after": "0.05" });
        case "unavailable":
          return said(503, { error: "unavailable" });
        case "fails-but-happens":
          await work();
          return said(500, { error: "internal error" });
        case "false-404":
          return said(404, { error: "sprite not found" });
        case "slow":
          // The client has given up by the time it is done.
          await work();
          throw Object.assign(new Error("no answer"), { name: "TimeoutError" });
        default:
          return work();
      }
    });
  }

  #take(kind: Kind): Fault | undefined {
    const found = this.#faults.find(({ on }) => on === kind);
    if (!found) return undefined;
    if (--found.times === 0) this.#faults.splice(this.#faults.indexOf(found), 1);
    return found.fault;
  }

  async #answer(
    method: string,
    name: string | undefined,
    verb: string | undefined,
    query: URLSearchParams,
    body: unknown,
  ): Promise<Response> {
    if (method === "POST" && !name) {
      const asked = JSON.parse(String(body)) as { name: string; labels: string[] };
      if (this.vms.has(asked.name)) return said(409, { error: "already exists" });
      return said(201, shown(this.make(asked.name, asked.labels)));
    }
    if (!name) {
      const rows = [...this.vms.keys()].filter((each) => each.startsWith(query.get("prefix") ?? "")).sort();
      return said(200, { sprites: rows.map((each) => ({ name: each })), has_more: true, next_continuation_token: null });
    }
    const vm = this.vms.get(name);
    if (!vm) return said(404, { error: "sprite not found" });
    if (verb === "exec") return this.run(vm, query.getAll("cmd"), typeof body === "string" ? body : "");
    if (verb === "policy") return said(200, { rules: [] });
    if (method === "DELETE") {
      this.deleted.push(...marksIn(join(vm.home, "voyage", "workspace")));
      this.remove(name);
    }
    if (method === "PUT") vm.labels = (JSON.parse(String(body)) as { labels: string[] }).labels;
    return method === "DELETE" ? new Response(null, { status: 204 }) : said(200, shown(vm));
  }

  /** Runs a command on a VM, whatever the weather. */
  async run(vm: Vm, argv: readonly string[], stdin = ""): Promise<Response> {
    const env = { HOME: vm.home, PATH: `${this.#bin}:${dirname(process.execPath)}:/usr/bin:/bin` };
    const [program = "", ...args] = argv;
    const own = args.at(-2) === "-e" && args.at(-3) === "node" ? runHere(args.at(-1)!, stdin, vm.home, env) : null;
    if (own) {
      await this.onExec(vm);
      return streamed(Buffer.from(own.out), Buffer.from(own.err), own.code);
    }
    const ran = spawn(program, args, { env, cwd: vm.home, stdio: "pipe" });
    ran.stdin.on("error", () => {}).end(stdin);
    const [out, err, code] = await Promise.all([
      readAll(ran.stdout),
      readAll(ran.stderr),
      new Promise<number>((resolve) => ran.once("close", (status) => resolve(status ?? 255))),
    ]);
    await this.onExec(vm);
    return streamed(out, err, code);
  }
}

/** The names of the files with a mark below a folder (crew.ts). */
export const marksIn = (folder: string): string[] =>
  !fs.existsSync(folder)
    ? []
    : fs
        .readdirSync(folder, { recursive: true, encoding: "utf8" })
        .filter((path) => path.includes("mark-"))
        .map((path) => path.slice(path.indexOf("mark-")));

const said = (status: number, json: object, headers: Record<string, string> = {}) => Response.json(json, { status, headers });
const shown = ({ name, id, labels }: Vm) => ({ id, name, labels, status: "running", url: `https://${name}.example` });

/** The answer to an exec (lib/sprites/exec-stream.ts). */
const streamed = (out: Buffer, err: Buffer, code: number) =>
  new Response(Buffer.concat([Buffer.of(1), out, Buffer.of(2), err, Buffer.of(3, code)]));

/**
 * Runs one of our programs for a ship's Node in this process, as if that were the ship's: a Node of its own would take
 * most of a storm's time.
 */
function runHere(source: string, stdin: string, home: string, env: Record<string, string>) {
  let [out, err] = ["", ""];
  const end = new Error("the program has ended");
  const modules: Record<string, object> = {
    fs: { ...fs, readFileSync: (file: never, how: never) => (file === 0 ? stdin : fs.readFileSync(file, how)) },
    os: { ...os, homedir: () => home },
    child_process: {
      execFileSync(program: string, args: string[]) {
        const ran = spawnSync(program, args, { env, cwd: home, encoding: "utf8" });
        err += ran.stdout + ran.stderr;
        if (ran.status !== 0) throw new Error(`${program} has failed`);
      },
    },
  };
  const own = {
    pid: process.pid,
    version: process.version,
    exit() {
      throw end;
    },
  };
  const log = (line: string) => {
    out += `${line}\n`;
  };
  try {
    new Function("require", "process", "console", source)((name: string) => modules[name] ?? require(name), own, { log });
    return { out, err, code: 0 };
  } catch (error) {
    return error === end ? { out, err, code: 0 } : { out, err: `${err}${String(error)}`, code: 1 };
  }
}

async function readAll(stream: NodeJS.ReadableStream): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part as Buffer);
  return Buffer.concat(parts);
}
