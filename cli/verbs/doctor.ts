import { counted } from "../../lib/base/counted.ts";
import { explain } from "../../lib/base/errors.ts";
import { PROJECT } from "../../lib/base/program-file.ts";
import { plain, plainJson, plainLines } from "../../lib/base/text.ts";
import type { Finding } from "../doctor/finding.ts";
import { lookAtFleet } from "../doctor/fleet.ts";
import { lookAtMachine, lookAtProxies, lookAtSettings } from "../doctor/machine.ts";
import { lookAtTailnet } from "../doctor/tailnet.ts";
import type { Io } from "../output/io.ts";
import { wrap } from "../output/wrap.ts";
import { shell } from "../shell.ts";

const MARKS = { ok: ["green", "✓"], note: ["dim", "·"], wrong: ["red", "✗"] } as const;

/** What `--fix` did about a finding; `failed` says why it could not. */
type Done = { area: Finding["area"]; what: string; did: string; failed: string | null };

/**
 * `ocaptain doctor` shows what is wrong, and changes nothing. With `fix` it first does about it what is safe and needs
 * nobody, says each thing that it did, and then shows what is left. Returns the exit status: 1 when something is wrong.
 */
export async function doctor({ fix = false }: { fix?: boolean }, io: Io): Promise<number> {
  const first = await look();
  const done = fix ? await mend(first, io) : [];
  const findings = done.length > 0 ? await look() : first;
  const wrong = findings.filter((finding) => finding.state === "wrong").length;
  if (io.json) {
    const plainFindings = findings.map(({ fix: _, ...finding }) => finding);
    io.out(plainJson({ ok: wrong === 0, ...(fix && { fixed: done }), findings: plainFindings }, 2));
    return wrong === 0 ? 0 : 1;
  }
  if (done.length > 0) io.out(io.style("bold", "fixed"));
  for (const { did, what, failed } of done)
    io.out(
      failed ? `  ${io.style("red", "✗")} ${plain(what)}: ${plainLines(failed)}` : `  ${io.style("green", "✓")} ${plain(did)}`,
    );
  show(findings, io);
  io.out(wrong === 0 ? "\nnothing is wrong" : `\n${counted(wrong, "thing is", "things are")} wrong`);
  const fixable = findings.filter((finding) => finding.fix && finding.state === "wrong").length;
  if (!fix && fixable > 0) io.note(`ocaptain doctor --fix does something about ${fixable} of them`);
  return wrong === 0 ? 0 : 1;
}

async function look(): Promise<Finding[]> {
  const [machine, fleet, tailnet] = await Promise.all([lookAtMachine(shell), lookAtFleet(), lookAtTailnet()]);
  return [...machine, ...fleet, ...tailnet, ...lookAtProxies(shell), ...lookAtSettings(PROJECT)];
}

/** Does what the findings have a fix for, one after the other; what several would do is done once. */
async function mend(findings: readonly Finding[], io: Io): Promise<Done[]> {
  const done: Done[] = [];
  for (const { area, what, state, fix } of findings) {
    if (state !== "wrong" || !fix || done.some(({ did }) => did === fix.did)) continue;
    io.signal.throwIfAborted();
    io.progress(`  ${what} …`);
    const failed = await fix.run().then(() => null, explain);
    done.push({ area, what, did: fix.did, failed });
  }
  io.progress("");
  return done;
}

function show(findings: readonly Finding[], io: Io): void {
  for (const area of ["tools", "daemons", "voyages", "leftovers", "tailnet", "settings"] as const) {
    const rows = findings.filter((finding) => finding.area === area);
    if (rows.length === 0) continue;
    const width = Math.max(...rows.map((row) => plain(row.what).length));
    io.out(io.style("bold", area));
    for (const { what, state, message, hint } of rows) {
      const [colour, mark] = MARKS[state];
      const [first = "", ...rest] = wrap(plain(message), io.columns, " ".repeat(width + 6));
      io.out(`  ${io.style(colour, mark)} ${plain(what).padEnd(width)}  ${first.trimStart()}`);
      for (const line of rest) io.out(line);
      for (const [index, line] of (hint ? hint.split("\n") : []).entries())
        io.out(`    ${io.style("dim", `${index === 0 ? "hint: " : ""}${plain(line)}`)}`);
    }
  }
}
