import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { journalLine, type LogFile, type LogLine, outputLine, sourceOf } from "./line.ts";
import { Tail } from "./tail.ts";

/**
 * Lists all log files that came home, `logs/<ship>/<incarnation>/*`; of each incarnation the supervisor's comes first.
 */
export async function logFiles(root: string): Promise<LogFile[]> {
  const files: LogFile[] = [];
  for (const ship of await foldersIn(root))
    for (const incarnation of await foldersIn(join(root, ship))) {
      const folder = join(root, ship, incarnation);
      const names = (await readdir(folder).catch(() => [])).filter((name) => /^[^.].*\.(jsonl|log|err)$/s.test(name));
      const found = names.map((name): LogFile => {
        const journal = name === "supervisor.jsonl";
        return { path: join(folder, name), ship, incarnation, source: name.replace(/\.(jsonl|log)$/, ""), journal };
      });
      files.push(...found.filter((file) => file.journal), ...found.filter((file) => !file.journal).sort(byPath));
    }
  return files;
}

/** Which logs are read, and how much of them at one time; all of all, where it does not say. */
type Part = { wants?: (file: LogFile) => boolean; mostBytes?: number };
/** The least that is read of one file, so that some lines of it are whole. */
const LEAST_BYTES = 4 * 1024;

/** Reads the logs of a voyage as they grow. Reading is cheap where nothing grew. */
export class Logs {
  readonly #root: string;
  readonly #part: Part;
  readonly #tails = new Map<string, Tail>();
  /** When each task was claimed, by incarnation and source, which is where its output belongs. */
  readonly #claimed = new Map<string, string>();
  #first = true;

  constructor(root: string, part: Part = {}) {
    this.#root = root;
    this.#part = part;
  }

  /** Whether there is more in the logs than was read. */
  get skips(): boolean {
    return [...this.#tails.values()].some((tail) => tail.skips);
  }

  /**
   * The lines that are new since the last call, by time. At the first call these are all lines, a hand's output stands
   * where its task was claimed, and `newest` is the time at which its file last grew. Later lines stand where they
   * arrive.
   *
   * @param final  whether the last line counts too where it has no end
   */
  async next(final: boolean): Promise<(LogLine & { newest: string })[]> {
    const first = this.#first;
    this.#first = false;
    const lines: (LogLine & { newest: string })[] = [];
    const { wants = () => true, mostBytes } = this.#part;
    const files = (await logFiles(this.#root)).filter(wants);
    const share = mostBytes === undefined ? undefined : Math.max(LEAST_BYTES, Math.floor(mostBytes / files.length));
    for (const file of files) {
      const tail = this.#tails.get(file.path) ?? new Tail(file.path, share);
      this.#tails.set(file.path, tail);
      const texts = await tail.lines(final);
      if (texts.length === 0) continue;
      const arrivedAt = first ? await changedAt(file.path) : new Date().toISOString();
      const life = `${file.ship}/${file.incarnation}`;
      const claim = first ? this.#claimed.get(`${life}/${file.source}`) : undefined;
      for (const text of texts) {
        if (!file.journal) {
          const line = outputLine(file, text, claim ?? arrivedAt, claim ? "claim" : "arrival");
          lines.push({ ...line, newest: arrivedAt });
          continue;
        }
        const { epoch, ...line } = journalLine(file, text, arrivedAt);
        if (line.event === "claimed") this.#claimed.set(`${life}/${sourceOf({ task: line.task, epoch })}`, line.at);
        lines.push({ ...line, newest: line.at });
      }
    }
    return lines.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
  }
}

const changedAt = async (path: string) => ((await stat(path).catch(() => null))?.mtime ?? new Date()).toISOString();
const byPath = (a: LogFile, b: LogFile) => a.path.localeCompare(b.path, "en", { numeric: true });

async function foldersIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  return names.sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
}
