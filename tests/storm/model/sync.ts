import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import { OcaptainError } from "../../../lib/base/errors.ts";
import type { Mutagen } from "../../../lib/mutagen/client.ts";
import type { MutagenSession } from "../../../lib/mutagen/session.ts";
import { type SessionSpec, SPEC_LABEL, specDigest } from "../../../lib/mutagen/spec.ts";
import { effect } from "./effects.ts";

type Tree = Map<string, string>;
type Session = { spec: SessionSpec; identifier: string; was: Tree; halted: string | null; cycles: number; conflicts: string[] };

/** A daemon of Mutagen, as a model: its sessions outlive it. */
export type SyncDaemon = { running: boolean; sessions: Session[] };

/** Where a ship's files are now; null while it is not reached. */
export type Reach = (host: string) => string | null;

let minted = 0;

/** Makes a client of a modelled daemon, with the same promises as the real one (lib/mutagen/client.ts). */
export function modelMutagen(daemon: SyncDaemon, reach: Reach): Mutagen {
  const down = () => new OcaptainError("MUTAGEN_DAEMON", "the daemon is not running", { hint: "pulumi up" });
  const trouble = (what: string) => new OcaptainError("SYNC", what, { hint: "pulumi up" });

  const list = () =>
    effect(async () => {
      if (!daemon.running) throw down();
      return daemon.sessions.map((session) => told(session, reach));
    });
  const ensureDaemon = () =>
    effect(async () => {
      daemon.running = true;
    });
  const get = async (name: string) => (await list()).find((session) => session.name === name) ?? null;

  async function ensureSession(spec: SessionSpec): Promise<MutagenSession> {
    await ensureDaemon();
    const digest = specDigest(spec);
    await effect(async () => {
      daemon.sessions = daemon.sessions.filter(
        (session) => session.spec.name !== spec.name || specDigest(session.spec) === digest,
      );
    });
    await effect(async () => {
      for (const side of [spec.alpha, spec.beta]) if (isAbsolute(side)) mkdirSync(dirname(side), { recursive: true });
      const kept = daemon.sessions.find((session) => session.spec.name === spec.name);
      if (kept?.halted) Object.assign(kept, { halted: null, was: new Map() });
      if (kept) return;
      if (!placesOf(spec, reach)) throw trouble(`sync session "${spec.name}": create failed: its ship is not reached`);
      const fresh = { spec, identifier: `sync_${++minted}`, was: new Map(), halted: null, cycles: 0, conflicts: [] };
      daemon.sessions.push(fresh);
    });
    const session = await get(spec.name);
    if (!session) throw trouble(`sync session "${spec.name}" is gone as soon as it was made`);
    return session;
  }

  async function flush(name: string): Promise<MutagenSession> {
    await ensureDaemon();
    await effect(async () => {
      const session = daemon.sessions.find(({ spec }) => spec.name === name);
      if (!session || session.halted || !cycle(session, reach)) throw trouble(`sync session "${name}" could not be flushed`);
    });
    const state = await get(name);
    if (!state) throw trouble(`there is no session ${name}`);
    return state;
  }

  return {
    running: () => effect(async () => daemon.running),
    daemonLoss: async () => null,
    ensureDaemon,
    stopDaemon: () =>
      effect(async () => {
        daemon.running = false;
      }),
    list,
    get,
    has: async (spec) =>
      (await list()).some((session) => session.name === spec.name && session.labels[SPEC_LABEL] === specDigest(spec)),
    ensureSession,
    firstCycle: async (made) => void (await flush(made.name)),
    flush,
    async terminate(name) {
      if (daemon.sessions.length === 0 && !daemon.running) return;
      await ensureDaemon();
      await effect(async () => {
        daemon.sessions = daemon.sessions.filter(({ spec }) => spec.name !== name);
      });
    },
  };
}

/** Lets all sessions of a running daemon go through a cycle, as they do by themselves all the time. */
export function cycleAll(daemon: SyncDaemon, reach: Reach): void {
  if (daemon.running) for (const session of daemon.sessions) if (!session.halted) cycle(session, reach);
}

function told(session: Session, reach: Reach): MutagenSession {
  const { spec, halted, cycles, conflicts } = session;
  const connected = placesOf(spec, reach) !== null;
  return {
    identifier: session.identifier,
    name: spec.name,
    labels: { ...spec.labels, [SPEC_LABEL]: specDigest(spec) },
    status: halted ?? "watching",
    mirror: spec.labels.kind === "workspace" ? spec.alpha : null,
    connected,
    paused: false,
    halted,
    conflicts,
    problems: [],
    problemPaths: [],
    problemsCut: false,
    lastError: null,
    cycles,
    clean: connected && !halted && conflicts.length === 0,
    text: halted ?? (conflicts.length > 0 ? "conflicts" : "watching"),
  };
}

/** The folders of both sides; null where one is on a ship that is not reached. */
function placesOf(spec: SessionSpec, reach: Reach): [string, string] | null {
  const place = (side: string) => {
    if (isAbsolute(side)) return side;
    const [at = "", path = ""] = side.split(":");
    const home = reach(at.slice(at.indexOf("@") + 1));
    return home && join(home, path.replace(/^~\//, ""));
  };
  const [alpha, beta] = [place(spec.alpha), place(spec.beta)];
  return alpha && beta ? [alpha, beta] : null;
}

/** Carries what has changed since the last cycle, in the session's mode. False where a side is not reached. */
function cycle(session: Session, reach: Reach): boolean {
  const places = placesOf(session.spec, reach);
  if (!places) return false;
  const [alpha, beta] = places;
  const { mode, ignores } = session.spec;
  const [a, b] = [readTree(alpha, ignores), readTree(beta, ignores)];
  // Mutagen halts where a root that had something in it is empty or gone, and carries nothing.
  const emptied = session.was.size > 0 && (a.size === 0 || (b.size === 0 && mode !== "one-way-replica"));
  if (emptied && mode === "two-way-safe") {
    session.halted = "one side's folder was emptied";
    return false;
  }
  session.conflicts = [];
  const both = new Map<string, string>();
  for (const path of new Set([...a.keys(), ...b.keys(), ...session.was.keys()])) {
    const [x, y, old] = [a.get(path), b.get(path), session.was.get(path)];
    let now = x;
    if (mode === "two-way-safe" && x !== y) {
      if (x === old) now = y;
      // A deletion loses against a change, and two changes are a conflict.
      else if (y !== old && x !== undefined && y !== undefined) {
        session.conflicts.push(path);
        continue;
      } else now = x ?? (y === old ? undefined : y);
    }
    if (mode === "one-way-safe" && x === undefined) now = y;
    if (now !== x && mode === "two-way-safe") put(alpha, path, now);
    if (now !== y) put(beta, path, now);
    if (now !== undefined) both.set(path, now);
  }
  session.was = both;
  session.cycles++;
  return true;
}

const contents = new Map<string, Buffer>();

/** The files below a folder, each with the digest of what is in it. */
function readTree(folder: string, ignores: readonly string[]): Tree {
  const tree: Tree = new Map();
  if (!existsSync(folder)) return tree;
  const look = (below: string) => {
    for (const entry of readdirSync(join(folder, below), { withFileTypes: true })) {
      if (ignores.includes(entry.name)) continue;
      const path = join(below, entry.name);
      if (entry.isDirectory()) look(path);
      if (!entry.isFile()) continue;
      const content = contentOf(join(folder, path));
      if (!content) continue;
      const digest = createHash("sha1").update(content).digest("hex");
      contents.set(digest, content);
      tree.set(path, digest);
    }
  };
  look("");
  return tree;
}

/** The content of a file; null when it is gone by now, as a half-written one is that was put in its place. */
function contentOf(file: string): Buffer | null {
  try {
    return readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

function put(folder: string, path: string, digest: string | undefined): void {
  const file = join(folder, path);
  if (digest === undefined) {
    rmSync(file, { force: true });
    return;
  }
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, contents.get(digest)!);
}
