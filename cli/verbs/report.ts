import { relative, resolve } from "node:path";
import { withHome } from "../../lib/base/paths.ts";
import { plainJson } from "../../lib/base/text.ts";
import { ask, canAsk } from "../output/ask.ts";
import type { Io } from "../output/io.ts";
import { openInBrowser } from "../output/open-in-browser.ts";
import { collectReport } from "../report/facts/collect.ts";
import { page } from "../report/page/page.ts";
import { fileAt, writePage } from "../report/write-page.ts";
import { chooseVoyage } from "../target/choose-voyage.ts";

type Options = { output?: string; open?: boolean; force?: boolean };

/**
 * `ocaptain report [voyage] [-o file.html] [--json] [--open] [--force]` writes what a voyage was and came to as one
 * HTML page, at sea or sunk. With `--json` the facts are printed, and a page is written only where `-o` names a file;
 * `-o -` prints the page.
 */
export async function report(name: string | undefined, { output, open, force }: Options, io: Io): Promise<void> {
  const voyage = await chooseVoyage(name);
  const facts = await collectReport(voyage);
  if (io.json) io.out(plainJson(facts, 2));
  if (output === "-") return io.json ? undefined : io.out(page(facts).trimEnd());
  if (io.json && output === undefined && !open) return;
  const own = `${voyage.file.stack}-report.html`;
  const file = await fileAt(resolve(withHome(output ?? own)), own);
  const mayReplace = async () =>
    force === true || (!io.json && canAsk() && ask(`${file} is no report of ocaptain's. Write over it?`, io));
  await writePage(file, page(facts), mayReplace);
  const shown = relative(process.cwd(), file);
  if (!io.json) io.out(shown.startsWith("..") ? file : shown);
  if (open && !(await openInBrowser(file))) io.note(`no browser could be opened from here: ${file}`);
}
