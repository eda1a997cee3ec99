import { closeSync, mkdirSync, openSync, readSync, statSync } from "node:fs";
import { join } from "node:path";
import { helmHome } from "../../lib/base/paths.ts";
import { programFile } from "../../lib/base/program-file.ts";
import { type DetachedProcess, startDetached } from "../../lib/daemons/detached.ts";
import { aboutVoyage, pasteableIn } from "../../lib/watch/hint.ts";
import type { KnownVoyage } from "../../lib/watch/known.ts";
import type { Sinking } from "../../lib/watch/page-api.ts";
import { HttpError } from "../http-error.ts";

/** How much of what `ocaptain sink` has said is shown: its end. */
const MOST_BYTES = 16 * 1024;

type Run = { process: DetachedProcess; startedAt: string; endedAt: string | null; logFile: string };

/**
 * Voyages that the page has sunk. `ocaptain sink` does it, in a process of its own, which goes on when the helm ends.
 */
export class Sinkings {
  readonly #runs = new Map<string, Run>();

  /** How a voyage can be sunk, and what became of it. */
  of({ file }: KnownVoyage): Sinking {
    const run = this.#runs.get(file.voyageId);
    if (run && run.process.exitCode !== undefined) run.endedAt ??= new Date().toISOString();
    return {
      fromHere: canSink(file),
      command: pasteableIn(null, `pulumi destroy -s ${file.stack}`, aboutVoyage(file)),
      run: run
        ? {
            startedAt: run.startedAt,
            endedAt: run.endedAt,
            exitCode: run.process.exitCode ?? null,
            output: endOf(run.logFile),
          }
        : null,
    };
  }

  /**
   * Begins to sink a voyage.
   * @throws HttpError 409 where it cannot be sunk from here, or is being sunk
   */
  begin({ file }: KnownVoyage): void {
    const { voyageId, stack } = file;
    const earlier = this.#runs.get(voyageId);
    if (file.sunkAt) throw new HttpError(409, "SUNK", `${stack} has sunk already`);
    if (earlier && earlier.process.exitCode === undefined) throw new HttpError(409, "SINKING", `${stack} is being sunk`);
    if (!canSink(file))
      throw new HttpError(409, "NOT_FROM_HERE", `${stack} was not sailed by ocaptain sail, and is sunk where it was sailed from`);
    mkdirSync(helmHome(), { recursive: true, mode: 0o700 });
    const logFile = join(helmHome(), `sink-${voyageId}.log`);
    const env = Object.fromEntries(Object.entries(process.env).filter((pair): pair is [string, string] => pair[1] !== undefined));
    const words = [programFile("cli/main"), "sink", stack, "--yes"];
    const started = startDetached(process.execPath, words, { env, logFile });
    this.#runs.set(voyageId, { process: started, startedAt: new Date().toISOString(), endedAt: null, logFile });
  }
}

const canSink = ({ sailedFrom, sunkAt }: KnownVoyage["file"]) => sailedFrom?.byOcaptain === true && !sunkAt;

function endOf(file: string): string {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (size === 0) return "";
  const handle = openSync(file, "r");
  try {
    const buffer = Buffer.alloc(Math.min(size, MOST_BYTES));
    const read = readSync(handle, buffer, 0, buffer.length, size - buffer.length);
    return buffer.toString("utf8", 0, read);
  } finally {
    closeSync(handle);
  }
}
