import { OcaptainError } from "../../lib/base/errors.ts";
import { plainJson, usd } from "../../lib/base/text.ts";
import { helmClient } from "../../lib/daemons/helm-client.ts";
import { costText } from "../../lib/voyage/cost-text.ts";
import { pasteable } from "../output/hint.ts";
import type { Io } from "../output/io.ts";
import { chooseVoyage } from "../target/choose-voyage.ts";

/** The most that a budget may be, as for the setting. */
const MOST_USD = 1_000_000;

/**
 * `ocaptain budget <usd> [voyage]` says what the voyage may spend, at once and without an `up`. The word holds at the
 * helm until the configured budget changes; `configured` takes it back.
 */
export async function budget(words: string, name: string | undefined, io: Io): Promise<void> {
  const amount = words === "configured" ? null : amountOf(words);
  const { file } = await chooseVoyage(name);
  const { state, spend } = await helmClient().setBudget(file.voyageId, amount);
  if (io.json) return io.out(plainJson({ voyage: file.stack, state, spend }, 2));
  const bound = spend.budgetUsd === null ? "without a bound" : `up to ${usd(spend.budgetUsd)}`;
  const said =
    spend.configuredUsd === undefined
      ? "as it is configured"
      : `by your word; configured: ${spend.configuredUsd === null ? "none" : usd(spend.configuredUsd)}`;
  io.out(`${file.stack} may spend ${bound} (${said}); ${costText(spend)} is spent, and it is ${state}`);
  if (amount !== null)
    io.note(
      `this holds until ocaptain:budgetUsd changes; to keep it in the configuration: ${pasteable(`pulumi config set ocaptain:budgetUsd ${amount} -s ${file.stack}`)}`,
    );
}

function amountOf(words: string): number {
  const amount = /^\$?\d+(\.\d+)?$/.test(words) ? Number(words.replace("$", "")) : 0;
  if (amount > 0 && amount <= MOST_USD) return amount;
  throw new OcaptainError("USAGE", `"${words}" is no budget: it is more than 0 and at most ${MOST_USD} US dollars`, {
    hint: "ocaptain budget 80",
  });
}
