import { mkdir, readdir } from "node:fs/promises";
import { dirname, isAbsolute, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { OcaptainError } from "../base/errors.ts";
import { shared } from "../base/single-flight.ts";
import { type MutagenOptions, mutagenCommand } from "./command.ts";
import { mutagenDaemon } from "./daemon.ts";
import { putLinksAside } from "./mirror-links.ts";
import { type MutagenSession, parseSessions } from "./session.ts";
import { createArguments, type SessionSpec, SPEC_LABEL, specDigest } from "./spec.ts";

/** The time limit of a call to the daemon that does not reach out to a ship. */
const LOCAL_MS = 10_000;
/**
 * The time limit of a call that reaches out to a ship. Mutagen's own ssh gives up after 5 s, and a first connection
 * copies Mutagen's agent to the ship.
 */
const REACH_MS = 60_000;
/** The pause between two tries of a flush. */
const FLUSH_AGAIN_MS = 200;
/** The pause between two looks at a session that has not finished its first cycle. */
const CYCLE_LOOK_MS = 150;

export type Mutagen = ReturnType<typeof openMutagen>;

/**
 * Returns a client of one Mutagen daemon and its sync sessions, and starts nothing. A method that changes something
 * starts the daemon if it does not run; one that only looks (`running`, `list`, `get`) never does.
 *
 * Two callers must not ensure the same session at the same time, so hold the voyage's lock.
 *
 * All methods may throw OcaptainError: MUTAGEN_MISSING when mutagen is not on PATH, MUTAGEN_DAEMON when the daemon does
 * not start, stop or answer, and SYNC when a session is in trouble, with what the list says of it.
 */
export function openMutagen(options: MutagenOptions) {
  const command = mutagenCommand(options);
  const daemon = mutagenDaemon(options, command);

  /**
   * For each host the first creation of a session with it, which copies Mutagen's agent there; it tells whether that
   * succeeded. One that failed is not kept.
   */
  const reached = new Map<string, Promise<boolean>>();

  /** Lists all sessions. @throws OcaptainError MUTAGEN_DAEMON when the daemon is not running */
  const list = shared(async (): Promise<MutagenSession[]> => {
    // Without a daemon the CLI would wait for half a second, and would make the daemon's folder.
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

  /** Returns the session of that name, or null. */
  async function get(name: string): Promise<MutagenSession | null> {
    return (await list()).find((session) => session.name === name) ?? null;
  }

  /** Tells whether there is a session that was made by exactly this spec. */
  async function has(spec: SessionSpec): Promise<boolean> {
    const digest = specDigest(spec);
    return (await list()).some((session) => session.name === spec.name && session.labels[SPEC_LABEL] === digest);
  }

  /**
   * Makes the session be as `spec` says, and returns it. A missing session is created, and one of another spec is made
   * anew. A paused or disconnected one is resumed. A halted one is reset, after which nothing is deleted on either side
   * of a two-way session. A healthy one is left alone. On a ship the folder above the synced one must exist.
   */
  async function ensureSession(spec: SessionSpec): Promise<MutagenSession> {
    await daemon.ensure();
    const digest = specDigest(spec);
    const named = (await list()).filter((session) => session.name === spec.name);
    const kept = named.find((session) => session.labels[SPEC_LABEL] === digest);
    // Mutagen lets several sessions have one name, and a create whose answer was lost may have made one.
    for (const other of named) if (other !== kept) await end(other.identifier, spec.name);

    // Mutagen makes a missing root folder, but not the folders above it.
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

  /**
   * Creates a session. The first one with a host is created alone, because it copies Mutagen's agent (8 MB) there, and
   * others that were created at the same time would each copy it again. When it fails, the next one is the first.
   */
  async function create(spec: SessionSpec, digest: string): Promise<void> {
    const make = () => change(spec.name, ["create", `--label=${SPEC_LABEL}=${digest}`, ...createArguments(spec)]);
    const host = remoteHost(spec);
    if (host === null) return make();
    for (let first = reached.get(host); first; first = reached.get(host)) if (await first) return make();
    const making = make();
    const carried = making.then(
      () => true,
      () => {
        reached.delete(host);
        return false;
      },
    );
    reached.set(host, carried);
    return making;
  }

  /**
   * Waits until a session has finished a whole cycle since its two ends were connected. For a session that was just
   * made this means that what was on one side is on the other. It only looks at the list, which all callers share,
   * because a flush would be a command for each caller and a second cycle.
   * @throws OcaptainError SYNC when that did not happen within `timeoutMs`, or when the session is gone, paused or
   *   halted
   */
  async function firstCycle(made: MutagenSession, { timeoutMs = 30_000 }: { timeoutMs?: number } = {}): Promise<void> {
    const until = Date.now() + timeoutMs;
    let state: MutagenSession | null = made;
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
   * Waits for a whole cycle that began after the call, and returns the session. What was on one side at the call is
   * then on the other, except for what the result names in `conflicts` and `problems`. Without a flush, the first
   * change after a session's start can take a whole polling interval. A session that lost its ship is connected again
   * until the time is up.
   * @throws OcaptainError SYNC when that did not happen within `timeoutMs`, or when there is no such session, or it is
   *   paused or halted
   */
  async function flush(name: string, { timeoutMs = 30_000 }: { timeoutMs?: number } = {}): Promise<MutagenSession> {
    const until = Date.now() + timeoutMs;
    const left = () => until - Date.now();
    await daemon.ensure();
    for (;;) {
      const outcome = await command(["sync", "flush", "--", name], left());
      const state = await get(name);
      // Only the next cycle reports links that were just put aside, so one more flush is needed.
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
      // Mutagen by itself tries again only every 15 s, and the ship may be about to wake.
      if (!state.connected) await command(["sync", "resume", "--", name], left());
      await sleep(FLUSH_AGAIN_MS);
    }
  }

  /**
   * Puts aside the links in a session's mirror that lead out of it, and tells whether there were any. It follows each
   * cycle that we wait for, so that nobody can leave the mirror by a link afterwards.
   */
  const findsLinks = async ({ mirror }: MutagenSession) => mirror !== null && (await putLinksAside(mirror)).length > 0;

  /** Ends all sessions of that name. Where there are none it starts no daemon. Files stay on both sides. */
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

/** Returns `user@host` of the side that is reached by ssh, or null when both sides are local. */
const remoteHost = ({ alpha, beta }: SessionSpec): string | null =>
  [alpha, beta].find((side) => !isAbsolute(side))?.split(":", 1)[0] ?? null;
