import { readFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg, release, totalmem } from "node:os";
import type { Grants } from "./grant.ts";
import { median, percentile } from "./numbers.ts";
import type { Options } from "./options.ts";
import type { Costs, Pair } from "./sailing.ts";

export type Measured = { sailings: { ships: number; pairs: Pair[] }[]; grants: Grants | null };

export type Where = {
  date: string;
  command: string;
  processor: string;
  cores: number;
  memoryGiB: number;
  kernel: string;
  node: string;
  load: number;
};

/** The machine and the moment; `load` is the one-minute load before the bench adds its own. */
export function whereAndWhen(args: readonly string[]): Where {
  return {
    date: new Date().toISOString().slice(0, 16).replace("T", " "),
    command: ["npm run bench", ...(args.length > 0 ? ["--", ...args] : [])].join(" "),
    processor: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: `${readFileSync("/proc/sys/kernel/ostype", "utf8").trim()} ${release()}`,
    node: process.versions.node,
    load: Math.round((loadavg()[0] ?? 0) * 10) / 10,
  };
}

type Row = { what: string; ships: number; value: string; floor: string; ratio: string; aim: string };

/** Medians. Ratios are of each pair, then the median of them: a slow minute of the machine strikes both of a pair. */
export function table(measured: Measured, { parts }: Options, where: Where): string {
  const rows: Row[] = [];
  for (const { ships, pairs } of measured.sailings) {
    const against = (what: string, aim: string, of: (costs: Costs) => number | undefined) => {
      const each = pairs.map(({ floor, voyage }) => ({ floor: of(floor) ?? Number.NaN, voyage: of(voyage) ?? Number.NaN }));
      rows.push({
        what,
        ships,
        value: seconds(median(each.map((pair) => pair.voyage))),
        floor: seconds(median(each.map((pair) => pair.floor))),
        ratio: `${median(each.map((pair) => pair.voyage / pair.floor)).toFixed(2)} ×`,
        aim,
      });
    };
    if (parts.has("up")) {
      against("up", `≤ 1.5 ×${ships === 16 ? ", < 10 s" : ""}`, ({ up }) => up.ms);
      against("its processor time", "", ({ up }) => up.cpuMs);
    }
    if (parts.has("noop")) {
      against("up without a change", "≤ 1.3 ×", ({ noop }) => noop?.ms);
      against("its processor time", "", ({ noop }) => noop?.cpuMs);
    }
    if (parts.has("calls")) {
      const value = median(pairs.map(({ voyage }) => voyage.callsAShip)).toFixed(1);
      rows.push({ what: "API calls a ship", ships, value, floor: "", ratio: "", aim: "≤ 6" });
    }
  }
  if (measured.grants)
    for (const [what, times] of [
      ["p99 of a grant, all ask at once", measured.grants.atOnce],
      ["p99 of a grant, 50 claims a second", measured.grants.spread],
    ] as const)
      rows.push({ what, ships: 100, value: `${percentile(times, 0.99).toFixed(1)} ms`, floor: "", ratio: "", aim: "< 20 ms" });

  const lines = rows.map((row) => `| ${[row.what, row.ships, row.value, row.floor, row.ratio, row.aim].join(" | ")} |`);
  return [
    `${where.date} UTC · ${where.processor}, ${where.cores} cores, ${where.memoryGiB} GiB · ${where.kernel} · Node ${where.node} · load before ${where.load}`,
    "",
    `    ${where.command}`,
    "",
    "| what | ships | ocaptain | floor | ratio | aim |",
    "|---|---|---|---|---|---|",
    ...lines,
  ].join("\n");
}

const seconds = (ms: number) => `${(ms / 1000).toFixed(2)} s`;
