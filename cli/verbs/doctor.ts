import { join } from "node:path";
import { lookAtFleet } from "../doctor/fleet.ts";
import { lookAtMachine, lookAtSettings } from "../doctor/machine.ts";
import { type Io, plain } from "../io.ts";

const PROJECT = join(import.meta.dirname, "..", "..");
const MARKS = { ok: ["green", "✓"], note: ["dim", "·"], wrong: ["red", "✗"] } as const;

/** `ocaptain doctor`: changes nothing. Returns 1 when something is wrong. */
export async function doctor(io: Io): Promise<number> {
  const [machine, fleet] = await Promise.all([lookAtMachine(), lookAtFleet()]);
  const findings = [...machine, ...fleet, ...lookAtSettings(PROJECT)];
  const wrong = findings.filter((finding) => finding.state === "wrong").length;
  if (io.json) io.out(JSON.stringify({ ok: wrong === 0, findings }, null, 2));
  else {
    for (const area of ["tools", "daemons", "voyages", "leftovers", "settings"] as const) {
      const rows = findings.filter((finding) => finding.area === area);
      if (rows.length === 0) continue;
      const width = Math.max(...rows.map((row) => row.what.length));
      io.out(io.style("bold", area));
      for (const { what, state, message, hint } of rows) {
        const [colour, mark] = MARKS[state];
        io.out(`  ${io.style(colour, mark)} ${what.padEnd(width)}  ${plain(message)}`);
        if (hint) io.out(`    ${io.style("dim", `hint: ${hint}`)}`);
      }
    }
    io.out(wrong === 0 ? "\nnothing is wrong" : `\n${wrong} ${wrong === 1 ? "thing is" : "things are"} wrong`);
  }
  return wrong === 0 ? 0 : 1;
}
