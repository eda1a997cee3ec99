import { setTimeout as sleep } from "node:timers/promises";
import { OcaptainError } from "../../lib/base/errors.ts";
import { plain, plainJson } from "../../lib/base/text.ts";
import { type LandingFile, readLanding } from "../../lib/voyage/landing-file.ts";
import type { KnownVoyage } from "../../lib/watch/known.ts";
import { landedPulls } from "../../lib/watch/landed.ts";
import type { LandedPull } from "../../lib/watch/view.ts";
import type { Forge, Pull } from "../forge/forge.ts";
import { openForgeOf } from "../forge/of-voyage.ts";
import { askForge, noteFacts } from "../landing/status/ask.ts";
import { mergesByGit } from "../landing/status/merges.ts";
import { parseDuration } from "../output/durations.ts";
import type { Io } from "../output/io.ts";
import { landedLine } from "../status/landed.ts";
import { chooseVoyage, sameVoyage } from "../target/choose-voyage.ts";

export type LandStatusOptions = { watch?: boolean; every?: string };
/** How often a watch asks. What has not changed costs no call at GitHub. */
const EVERY = "30s";
const LEAST_MS = 5_000;

/**
 * `ocaptain land status [voyage] [--watch] [--every 30s]` asks the forge what has become of the voyage's pull requests,
 * writes that down for `status`, the page and notices, and shows it. A watch tells each change, until all are merged or
 * closed.
 * @returns the exit status
 */
export async function landStatus(name: string | undefined, options: LandStatusOptions, io: Io): Promise<number> {
  const everyMs = everyOf(options);
  const voyage = await chooseVoyage(name);
  const landing = await landingOf(voyage);
  const forge = await openForgeOf(voyage, { origin: landing.remote, signal: io.signal });
  if (!forge || landing.pulls.length === 0) {
    show(voyage, landing, io);
    return 0;
  }
  if (options.watch) return watchLanding(voyage, forge, everyMs, io);
  show(voyage, await asked(voyage, forge, io), io);
  return 0;
}

/** Goes on asking, and shows each change. What the forge cannot say for a while ends nothing. */
export async function watchLanding(voyage: KnownVoyage, forge: Forge, everyMs: number, io: Io): Promise<number> {
  for (let shown = ""; !io.signal.aborted; await sleep(everyMs, undefined, { signal: io.signal }).catch(() => {})) {
    const known = await sameVoyage(voyage);
    try {
      const landing = await asked(known, forge, io);
      const key = JSON.stringify(landing.facts?.pulls);
      if (key !== shown) show(known, landing, io);
      shown = key;
      if (landing.facts?.pulls.every(({ state }) => state !== "open")) return 0;
    } catch (error) {
      if (io.signal.aborted) break;
      if (!(error instanceof OcaptainError) || !/^FORGE_(AWAY|LIMIT)$/.test(error.code)) throw error;
      io.note(`${error.message}; it is asked again`);
    }
  }
  return 130;
}

/** The time between two looks of a watch. @throws OcaptainError USAGE */
function everyOf({ every = EVERY }: LandStatusOptions): number {
  const ms = parseDuration(every);
  if (ms >= LEAST_MS) return ms;
  throw new OcaptainError("USAGE", `--every ${every}: a forge is asked at most every ${LEAST_MS / 1000} s`, {
    hint: "ocaptain land status --watch --every 30s",
  });
}

async function landingOf({ folder, file: { voyageId, stack } }: KnownVoyage): Promise<LandingFile> {
  const landing = await readLanding(folder, voyageId);
  if (landing) return landing;
  throw new OcaptainError("NOT_LANDED", `voyage "${stack}" was never landed`, { hint: `ocaptain land ${stack}` });
}

/** Asks the forge, and gives the landing with what it has said. */
async function asked(voyage: KnownVoyage, forge: Forge, io: Io): Promise<LandingFile> {
  const landing = await landingOf(voyage);
  const merges = (pull: Pull) => mergesByGit(voyage, landing, pull, io.signal);
  const facts = await askForge(forge, landing, merges, io.progress);
  if (!(await noteFacts(voyage, landing, facts)))
    io.note(`ocaptain land is at work on ${voyage.file.stack}: what the forge says is shown, and not noted`);
  return { ...landing, facts };
}

function show({ file: { stack } }: KnownVoyage, landing: LandingFile, io: Io): void {
  const pulls = landedPulls(landing);
  if (io.json) {
    const { remote, branch, base, pushed } = landing;
    io.out(plainJson({ voyage: stack, remote, branch, base, pushed: pushed.at(-1) ?? null, pulls }));
    return;
  }
  if (pulls.length === 0) {
    const at = landing.pushed.at(-1);
    io.out(
      plain(
        at
          ? `${at.branch} at ${landing.remote} is at ${at.head.slice(0, 8)}; there is no pull request that is known here`
          : `nothing was pushed to ${landing.remote} yet`,
      ),
    );
    return;
  }
  for (const pull of pulls) for (const line of told(pull)) io.out(line);
}

/** A pull request, and each of its checks that did not pass. */
function told(pull: LandedPull): string[] {
  const open = pull.checks.filter(({ state }) => state === "failure" || state === "pending");
  return [
    landedLine(pull),
    ...open.map(({ name, state, summary, link }) =>
      plain(`  ${state === "failure" ? "✗" : "…"} ${[name, summary, link].filter(Boolean).join("  ")}`, { most: 1500 }),
    ),
  ];
}
