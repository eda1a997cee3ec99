/**
 * Lands a voyage as `ocaptain land` does, in a process of its own, which kills itself at its nth step. A step is what
 * it says of its progress, and each answer of the forge.
 *
 * node killed-land.ts VOYAGE ORIGIN NTH
 */
import { openForge } from "../../../cli/forge/open.ts";
import { landVoyage } from "../../../cli/landing/land/land.ts";
import { readOptions } from "../../../cli/landing/land/options.ts";
import { parts } from "../../../cli/landing/land/parts.ts";
import { knownVoyage } from "../../../lib/watch/known.ts";
import { listen } from "../../support/spoken.ts";

const [name = "", origin = "", nth = ""] = process.argv.slice(2);
let step = 0;
const next = () => {
  step += 1;
  if (step === Number(nth)) process.kill(process.pid, "SIGKILL");
};

const { io } = listen();
io.steps = { ...io.steps, line: next, status: (text) => void (text && next()) };
const voyage = await knownVoyage(name);
const forge = (await openForge({ origin, env: process.env }))!;
const watched = new Proxy(forge, {
  get: (of, key: keyof typeof forge) => {
    const value = of[key];
    if (typeof value !== "function") return value;
    return async (...args: unknown[]) => {
      const answer = await (value as (...all: unknown[]) => Promise<unknown>).apply(of, args);
      next();
      return answer;
    };
  },
});
await landVoyage(
  voyage,
  readOptions({ yes: true, unverified: true }),
  { ...parts(voyage, [], io), openForge: async () => watched },
  io,
);
process.stdout.write(String(step));
process.exit(0);
