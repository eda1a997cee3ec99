import { randomUUID } from "node:crypto";
import { z } from "zod";
import { OcaptainError } from "../../lib/base/errors.ts";
import { said } from "../../lib/base/text.ts";
import { digestOf } from "../../lib/plan/digest.ts";
import type { ProvisionStep } from "../../lib/plan/types.ts";
import { type ProvisionOrder, ProvisionWord } from "../../lib/protocol/ship-files.ts";
import { CREW_FOLDER } from "../../lib/ship/crew-launch.ts";
import { shipFacts } from "../../lib/ship/facts.ts";
import type { ShipFile } from "../../lib/ship/install.ts";
import { shipScript, startSession } from "../../lib/ship/shell.ts";
import type { ExecResult, SpritesClient } from "../../lib/sprites/types.ts";

/**
 * The tmux session on a ship in which the plan's provision steps run (crew/provision/main.ts). It keeps the ship awake
 * by itself. The captain looks at it by short execs, because a request that stays open for as long as an `npm ci` takes
 * is cut on the way.
 */
const SESSION = "provision";
/** The time that one look waits on the ship for the end of the steps. */
const LOOK_SECONDS = 10;
const LOOK_MS = 120_000;
/** The bound of the first checkout, which comes before the steps. */
const CHECKOUT_SECONDS = 15 * 60;
/** The most that one look reads of a ship's report and of its log. */
const [WORD_BYTES, LOG_BYTES] = [65_536, 16_384];
/** So many failed looks in a row, a second apart, are an error. */
const LOST_LOOKS = 5;

type Order = { attempt: string; seconds: number; file: ShipFile; run: readonly string[] };

/** Tells one list of provision steps from another. */
export const stepsDigest = (steps: ProvisionStep[]): string => digestOf(steps);

/**
 * The file that is put on the ship, and the argv that starts the steps. It ends an attempt that is still under way,
 * since whoever waited for that one is gone.
 */
export function orderProvision(steps: ProvisionStep[]): Order {
  const attempt = randomUUID();
  const order: ProvisionOrder = { attempt, digest: stepsDigest(steps), steps };
  const start = startSession(SESSION, `exec node "$HOME/${CREW_FOLDER}/provision/main.js" 2>>"$HOME/voyage/logs/provision.log"`);
  return {
    attempt,
    seconds: CHECKOUT_SECONDS + steps.reduce((sum, step) => sum + step.timeoutSeconds, 0),
    file: { path: `${CREW_FOLDER}/provision.json`, content: JSON.stringify(order), mode: 0o600 },
    run: shipScript(`mkdir -p "$HOME/voyage/logs"; tmux kill-session -t =${SESSION} 2>/dev/null; ${start}`),
  };
}

/**
 * Waits until the steps are done, and says on stderr, which `up` shows, which of them runs.
 * @throws OcaptainError PROVISION, which names ship and step, with the end of what the step printed
 */
export async function provisioned(
  sprites: SpritesClient,
  { stack, ship, sprite }: { stack: string; ship: string; sprite: string },
  { attempt, seconds }: Order,
): Promise<void> {
  const failed = (why: string) =>
    new OcaptainError("PROVISION", `${ship}: provision ${why}`, {
      hint: `ocaptain logs ${stack} -s ${ship}; then: pulumi up -s ${stack}  # it runs the steps from the first`,
    });
  let [told, lost] = ["", 0];
  for (const end = Date.now() + seconds * 1000; Date.now() < end; ) {
    const seen = await sprites.exec(sprite, look(attempt), { timeoutMs: LOOK_MS }).catch(async (error: unknown) => {
      if ((error instanceof OcaptainError && error.code === "SPRITE_GONE") || ++lost >= LOST_LOOKS) throw error;
      await new Promise((next) => setTimeout(next, 1000));
      return null;
    });
    if (!seen) continue;
    lost = 0;
    const word = wordOf(seen, sprite, attempt);
    if (word?.state === "done") return;
    if (word?.state === "failed") throw failed(`${said(word.at)} ${said(word.why ?? "", 1000)}`);
    if (seen.stdout.startsWith("ended")) throw failed(`ended without a word: ${said(seen.stdout, 1000)}`);
    if (!word) continue; // it has only just begun
    if (word.at !== told) console.error(`${ship}: provision ${said(word.at)}`);
    told = word.at;
  }
  throw failed(`was not done in ${seconds} s`);
}

/**
 * The argv that waits a while for the end of the attempt, and prints `runs` or `ended`, the ship's report on one line,
 * and the end of the log.
 */
function look(attempt: string): readonly string[] {
  const word = `"$HOME/${CREW_FOLDER}/provisioned.json"`;
  const ended = `grep -q '^{"state":"\\(done\\|failed\\)","attempt":"${attempt}"' ${word} 2>/dev/null`;
  const runs = `tmux has-session -t =${SESSION} 2>/dev/null`;
  const wait = `for i in $(seq ${LOOK_SECONDS * 10}); do ${ended} && break; ${runs} || break; sleep 0.1; done`;
  return shipScript(
    `${wait}; ${runs} && echo runs || echo ended; head -c ${WORD_BYTES} ${word}; echo; tail -c ${LOG_BYTES} "$HOME/voyage/logs/provision.log" | tail -n 5`,
  );
}

/**
 * The ship's report of this attempt; null when there is none yet, or an earlier attempt's. @throws OcaptainError
 * SHIP_FACTS
 */
function wordOf({ stdout }: ExecResult, sprite: string, attempt: string): ProvisionWord | null {
  const [, word = ""] = stdout.split("\n", 2);
  return word.includes(`"${attempt}"`) ? shipFacts(sprite, ProvisionWord.extend({ attempt: z.literal(attempt) }), word) : null;
}
