import { parseArgs } from "node:util";
import { slip } from "../cli/output/slip.ts";
import { OcaptainError } from "../lib/base/errors.ts";
import { MAX_SHIPS } from "../lib/plan/limits.ts";

export const PARTS = ["up", "noop", "calls", "grant"] as const;
export type Part = (typeof PARTS)[number];

export type Options = {
  parts: ReadonlySet<Part>;
  /** Fleet sizes for up, noop and calls. */
  ships: number[];
  /** Pairs of floor and voyage for each fleet size. */
  runs: number;
  json: boolean;
};

export const HELP = `npm run bench [-- options]      measures what the project promises, against the engine itself

  --only PARTS     by comma: up, noop, calls, grant (default: all)
  --ships NUMBERS  fleet sizes, by comma (default 1,4,16)
  --runs N         pairs of floor and voyage for each fleet size (default 3)
  --json           every single measurement, as JSON
  --help           this text

The result goes to standard output, progress to standard error. Everything runs in temporary folders, with daemons of its own.

Examples:
  npm run bench
  npm run -s bench -- --only up --ships 16 --runs 5
  npm run -s bench -- --only grant --json > grant.json`;

/** Reads the command line. @throws OcaptainError USAGE, which says what is wrong with it */
export function readOptions(args: readonly string[]): Options | "help" {
  const { values } = parse(args);
  if (values.help) return "help";
  const parts = values.only.split(",");
  for (const part of parts) if (!isPart(part)) throw usage(`"${part}" is no part of the bench, which are ${PARTS.join(", ")}`);
  return {
    parts: new Set(parts.filter(isPart)),
    ships: values.ships.split(",").map((text) => whole("--ships", text, MAX_SHIPS)),
    runs: whole("--runs", values.runs, 100),
    json: values.json,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        only: { type: "string", default: PARTS.join(",") },
        ships: { type: "string", default: "1,4,16" },
        runs: { type: "string", default: "3" },
        json: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    });
  } catch (error) {
    throw usage(slip(error as Error));
  }
}

const isPart = (text: string): text is Part => (PARTS as readonly string[]).includes(text);

function whole(option: string, text: string, most: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= most) return value;
  throw usage(`${option}: "${text}" is no whole number from 1 to ${most}`);
}

const usage = (message: string) => new OcaptainError("USAGE", message, { hint: "npm run bench -- --help" });
