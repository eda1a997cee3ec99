import { mkdir, readdir } from "node:fs/promises";
import { dirname, isAbsolute, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { OcaptainError } from "../base/errors.ts";
import { shared } from "../base/single-flight.ts";
import { type MutagenOptions, mutagenCommand } from "./command.ts";
import { mutagenDaemon } from "./daemon.ts";
import { putLinksAside } from "./mirror-links.ts";
import { parseSessions, type Session } from "./session.ts";
import { createArguments, type SessionSpec, SPEC_LABEL, specDigest } from "./spec.ts";

/** Bound of one call to the daemon that does not reach out to a ship. */
const LOCAL_MS = 10_000;
/** Bound of one that does: Mutagen's own ssh timeout is 5 s, and a first connection copies its agent. */
const REACH_MS = 60_000;
const FLUSH_AGAIN_MS = 200;
/** Between two looks at a session that has not gone round yet. */
const CYCLE_LOOK_MS = 150;

export type Mutagen = ReturnType<typeof openMutagen>;

/**
 * Opens a Mutagen daemon of our own and its sync sessions. Opening starts nothing. What changes something starts the daemon if need be;
 * what only looks (`running`, `list`, `get`) never does.
 *
 * All throw OcaptainError: MUTAGEN_MISSING (not on PATH), MUTAGEN_DAEMON (does not start, stop or answer), SYNC (a session's own
 * trouble, with what the list says of it). Two callers must not ensure the same session at one time: hold the voyage's lock.
 */
export function openMutagen(options: MutagenOptions) {
  const command = mutagenCommand(options);
  const daemon = mutagenDaemon(options, command);

  /** Hosts that a session was made with, or tried: Mutagen's agent is on them. */
  const reached = new Map<string, Promise<void>>();

  /** All sessions of this daemon. MUTAGEN_DAEMON when it is not running. */
  const list = shared(async (): Promise<Session[]> => {
    // The CLI would wait half a second for a daemon that is not there, and make its folder.
    const outcome = (await daemon.running())
      ? await command(["sync", "list", "--template", "{{json .}}"], LOCAL_MS)
      : { ok: false, stdout: "", message: "the daemon is not running" };
    if (outcome.ok) return parseSessions(outcome.stdout);
    throw new OcaptainError(
      "MUTAGEN_DAEMON",
      `the sync sessions of ${options.dataDirectory} cannot be listed: ${outcome.message || "no answer"}`,
      {
        hint: "pulumi up",
      },
    );
  });

  /** The session of that name, or null. */
  async function get(name: string): Promise<Session | null> {
    return (await list()).find((session) => session.name === name) ?? null;
  }

  /** Tells whether a session is there that was made by this very spec. */
  async function has(spec: SessionSpec): Promise<boolean> {
    const digest = specDigest(spec);
    return (await list()).some((session) => session.name === spec.name && session.labels[SPEC_LABEL] === digest);
  }

  /**
   * Makes the session be as `spec` says: creates it, makes it anew when its spec changed, resumes a paused or disconnected one, resets a
   * halted one (after a reset nothing is deleted on either side of a two-way session). Leaves a healthy one alone. On a ship the folder
   * above the synced one must be there.
   */
  async function ensureSession(spec: SessionSpec): Promise<Session> {
    await daemon.ensure();
    const digest = specDigest(spec);
    const named = (await list()).filter((session) => session.name === spec.name);
    const kept = named.find((session) => session.labels[SPEC_LABEL] === digest);
    // Names are not unique to Mutagen: a create that was lost on its way may have happened.
    for (const other of named) if (other !== kept) await end(other.identifier, spec.name);

    // Mutagen makes a missing root, but not the folders above it.
    for (const side of [spec.alpha, spec.beta]) if (isAbsolute(side)) await mkdir(dirname(side), { recursive: true });
    if (!kept) await create(spec, digest);
    else if (kept.halted) await change(spec.name, ["reset", "--", kept.identifier]);
    else if (!kept.connected) await change(spec.name, ["resume", "--", kept.identifier]);
    else return kept;

    const session = await get(spec.name);
    if (!session)
      throw new OcaptainError("SYNC", `sync session "${spec.name}" is gone as soon as it was made`, { hint: "pulumi up" });
    return session;
  }

  /** The first session with a host goes alone: it carries Mutagen's agent there (8 MB), and those at its side would each carry it again. */
  async function create(spec: SessionSpec, digest: string): Promise<void> {
    const make = () => change(spec.name, ["create", `--label=${SPEC_LABEL}=${digest}`, ...createArguments(spec)]);
    const host = remoteHost(spec);
    if (host === null) return make();
    const first = reached.get(host);
    if (first) return first.then(make);
    const making = make();
    reached.set(
      host,
      making.catch(() => {}),
    );
    return making;
  }

  /**
   * Returns when both ends have gone through a whole cycle since they were connected, at once when they have: so of a session just made, when what
   * was on one side is on the other. By looks alone, which all who wait share; a flush each would be a command each, and a second cycle.
   * @throws OcaptainError SYNC when that did not happen within `timeoutMs`, or cannot happen: gone, paused, halted.
   */
  async function firstCycle(made: Session, { timeoutMs = 30_000 }: { timeoutMs?: number } = {}): Promise<void> {
    const until = Date.now() + timeoutMs;
    let state: Session | null = made;
    for (;;) {
      if (state && state.cycles > 0) {
        await findsLinks(state);
        return;
      }
      if (!state || state.paused || state.halted || Date.now() > until) break;
      await sleep(CYCLE_LOOK_MS);
      state = (await list()).find(({ identifier }) => identifier === made.identifier) ?? null;
    }
    const why = state?.paused || state?.halted ? "" : ` within ${timeoutMs / 1000} s`;
    throw new OcaptainError(
      "SYNC",
      `sync session "${made.name}" did not get through its first cycle${why}: ${state?.text ?? "it is gone"}`,
      { hint: "pulumi up  # it waits for it again; ocaptain status shows the ship's syncs" },
    );
  }

  /**
   * Returns after a whole cycle that began after the call: what was on one side then is on the other, but for what the answer names
   * (`clean`, `conflicts`, `problems`). Without it, the first change after a session starts can take a polling interval. A session
   * that lost its ship is connected again, and again, until the time is up.
   * @throws OcaptainError SYNC when that did not happen within `timeoutMs`, or cannot happen: no such session, paused, halted.
   */
  async function flush(name: string, { timeoutMs = 30_000 }: { timeoutMs?: number } = {}): Promise<Session> {
    const until = Date.now() + timeoutMs;
    const left = () => until - Date.now();
    await daemon.ensure();
    for (;;) {
      const outcome = await command(["sync", "flush", "--", name], left());
      const state = await get(name);
      // What was put aside is told by the cycle after.
      if (outcome.ok && state && (!(await findsLinks(state)) || left() <= 0)) return state;
      const hopeless = !state || state.paused || state.halted;
      if (hopeless || left() <= FLUSH_AGAIN_MS) {
        const why = outcome.timedOut ? `not within ${timeoutMs} ms` : outcome.message;
        throw new OcaptainError(
          "SYNC",
          `sync session "${name}" could not be flushed: ${state?.text ?? "there is no such session"} (${why})`,
          {
            hint: "pulumi up",
          },
        );
      }
      // By itself Mutagen tries again every 15 s only, and a ship may be just waking.
      if (!state.connected) await command(["sync", "resume", "--", name], left());
      await sleep(FLUSH_AGAIN_MS);
    }
  }

  /** After each cycle that we wait for no link is in a mirror by which one could leave it. Was there any? */
  const findsLinks = async ({ mirror }: Session) => mirror !== null && (await putLinksAside(mirror)).length > 0;

  /** Ends all sessions of that name. Quiet when there is none, and then it starts no daemon. Files stay on both sides. */
  async function terminate(name: string): Promise<void> {
    const onDisk = await readdir(join(options.dataDirectory, "sessions")).catch(() => []);
    if (onDisk.length === 0 && !(await daemon.running())) return;
    await daemon.ensure();
    for (const session of await list()) if (session.name === name) await end(session.identifier, name);
  }

  async function end(identifier: string, name: string): Promise<void> {
    const outcome = await command(["sync", "terminate", "--", identifier], REACH_MS);
    if (outcome.ok || (await list()).every((session) => session.identifier !== identifier)) return;
    throw new OcaptainError("SYNC", `sync session "${name}" does not end: ${outcome.message || "no answer"}`, {
      hint: "pulumi destroy  # again",
    });
  }

  async function change(name: string, args: readonly string[]): Promise<void> {
    const outcome = await command(["sync", ...args], REACH_MS);
    if (outcome.ok) return;
    const state = await get(name).catch(() => null);
    const said = outcome.timedOut ? `no answer in ${REACH_MS / 1000} s` : outcome.message;
    throw new OcaptainError("SYNC", `sync session "${name}": ${args[0]} failed: ${said}${state ? ` (${state.text})` : ""}`, {
      hint: "pulumi up",
    });
  }

  return {
    running: daemon.running,
    daemonLoss: daemon.loss,
    ensureDaemon: daemon.ensure,
    stopDaemon: daemon.stop,
    list,
    get,
    has,
    ensureSession,
    firstCycle,
    flush,
    terminate,
  };
}

/** `user@host` of the side that is reached by ssh, or null. */
const remoteHost = ({ alpha, beta }: SessionSpec): string | null =>
  [alpha, beta].find((side) => !isAbsolute(side))?.split(":", 1)[0] ?? null;
