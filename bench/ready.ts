/**
 * `node bench/ready.ts [runs]` (docs/bench.md) measures the time from the start of a ship's crew until the helm knows
 * whether its hand can work: with credentials that are accepted, with such that are refused, and, to compare, of a bare
 * `claude -p`. Claude Code is real; its API is a stand-in, which answers at once.
 */
import { execa } from "execa";
import { ClaudeFleet, ID, KEY } from "../tests/claude/fleet.ts";
import { claudeFolder } from "../tests/support/claude/claude-cli.ts";
import { median, timed } from "./numbers.ts";
import { whereAndWhen } from "./report.ts";

const CASES = ["bare", "accepted", "refused"] as const;
const WRONG = "sk-ant-wrong-000000000000000000";
type Seconds = Record<(typeof CASES)[number], number>;
const runs = Number(process.argv[2] ?? 10);

const where = { ...whereAndWhen([]), command: `node bench/ready.ts ${runs}` };
const all: Seconds[] = [];
for (let i = 1; i <= runs; i++) {
  all.push(await measure());
  process.stderr.write(`${i}/${runs}: ${CASES.map((one) => `${one} ${all.at(-1)![one].toFixed(1)} s`).join(", ")}\n`);
}
console.log(JSON.stringify(where));
console.log(`| ${runs} times, median | seconds |\n|---|---|`);
for (const one of CASES) console.log(`| ${one} | ${median(all.map((seconds) => seconds[one])).toFixed(1)} s |`);
console.log(`accepted to bare: ${median(all.map(({ accepted, bare }) => accepted / bare)).toFixed(2)} ×`);
process.exit();

async function measure(): Promise<Seconds> {
  const fleet = await ClaudeFleet.sail([{ id: "1" }], 2);
  try {
    fleet.api.trial = ({ credential }) =>
      credential === WRONG
        ? { fail: { status: 401, type: "authentication_error", message: "invalid x-api-key" } }
        : { text: "ready" };
    const [refused, accepted] = fleet.ships as [(typeof fleet.ships)[number], (typeof fleet.ships)[number]];
    fleet.credentials(refused, { ANTHROPIC_API_KEY: WRONG });
    const verdict = async (ship: typeof refused, expected: boolean) => {
      fleet.start(ship);
      const { met } = await fleet.helm.shipReady(ID, ship.name, ship.incarnation, 60);
      if (met !== expected) throw new Error(`${ship.name} is ${met ? "" : "not "}ready`);
    };
    return {
      bare: await timed(() => bare(fleet)),
      refused: await timed(() => verdict(refused, false)),
      // Last: its crew goes on, to its task.
      accepted: await timed(() => verdict(accepted, true)),
    };
  } finally {
    await fleet.close();
  }
}

/** Runs `claude -p` as a person does. */
async function bare({ folder, api }: ClaudeFleet): Promise<void> {
  const env = { HOME: folder, PATH: process.env.PATH, ANTHROPIC_API_KEY: KEY, ANTHROPIC_BASE_URL: api.url };
  const quiet = { CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1", DISABLE_AUTOUPDATER: "1" };
  await execa(`${await claudeFolder()}/claude`, ["-p", "Say: ready"], {
    env: { ...env, ...quiet },
    extendEnv: false,
    cwd: folder,
    stdin: "ignore",
    timeout: 60_000,
  });
}
