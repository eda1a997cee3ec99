import { counted } from "../../lib/base/counted.ts";
import { PROJECT } from "../../lib/base/program-file.ts";
import { plain, plainJson } from "../../lib/base/text.ts";
import { lookAtFleet } from "../doctor/fleet.ts";
import { lookAtMachine, lookAtProxies, lookAtSettings } from "../doctor/machine.ts";
import { lookAtTailnet } from "../doctor/tailnet.ts";
import type { Io } from "../output/io.ts";
import { wrap } from "../output/wrap.ts";
import { shell } from "../shell.ts";

const MARKS = { ok: ["green", "✓"], note: ["dim", "·"], wrong: ["red", "✗"] } as const;

/** `ocaptain doctor` shows what is wrong, and changes nothing. Returns the exit status: 1 when something is wrong. */
export async function doctor(io: Io): Promise<number> {
  const [machine, fleet, tailnet] = await Promise.all([lookAtMachine(shell), lookAtFleet(), lookAtTailnet()]);
  const findings = [...machine, ...fleet, ...tailnet, ...lookAtProxies(shell), ...lookAtSettings(PROJECT)];
  const wrong = findings.filter((finding) => finding.state === "wrong").length;
  if (io.json) io.out(plainJson({ ok: wrong === 0, findings }, 2));
  else {
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
    io.out(wrong === 0 ? "\nnothing is wrong" : `\n${counted(wrong, "thing is", "things are")} wrong`);
  }
  return wrong === 0 ? 0 : 1;
}
