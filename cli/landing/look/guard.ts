import { OcaptainError } from "../../../lib/base/errors.ts";
import type { KnownVoyage } from "../../../lib/watch/known.ts";
import type { Io } from "../../output/io.ts";
import type { History } from "../history.ts";
import { type CaptainSecrets, captainSecrets } from "./captain-secrets.ts";
import type { Finding } from "./finding.ts";
import { findingsText, lookAtPush } from "./look.ts";
import { withoutSecrets } from "./redact.ts";

/** What is to be pushed: `heads` onto what the other side has, which is `from`; in a stack each on the one before. */
export type Pushing = { from: string | null; heads: readonly { head: string }[]; history: History; remote?: string };

/** What keeps a landing from carrying out what must not leave. The captain's secrets are read once. */
export type Guard = {
  /** @throws OcaptainError NOT_TO_LEAVE with all findings, none of which shows a secret */
  look(pushing: Pushing): Promise<void>;
  /** A copy of facts for the forge, in which secrets are taken out. */
  clean<Facts>(facts: Facts): Promise<Facts>;
};

/** @param allowed  the fingerprints of findings that are to leave all the same */
export function guardOf(voyage: KnownVoyage, allowed: readonly string[], io: Pick<Io, "note" | "signal">): Guard {
  let known: Promise<CaptainSecrets> | undefined;
  const secrets = async () => {
    if (known) return (await known).secrets;
    known = captainSecrets(voyage);
    const { secrets, unknown } = await known;
    for (const each of unknown) io.note(`not looked for in what is pushed, as it cannot be read: ${each}`);
    return secrets;
  };
  return {
    async look({ from, heads, history, remote }) {
      const ask = { gitDir: voyage.folder.repo, history, secrets: await secrets(), allowed, signal: io.signal };
      const found = new Map<string, Finding>();
      // What the branch below has brought is not looked at again.
      let before = from;
      for (const { head } of heads) {
        const all = await lookAtPush({ ...ask, from: before, to: head, ...(remote !== undefined && { remote }) });
        for (const each of all) if (!found.has(each.fingerprint)) found.set(each.fingerprint, each);
        before = head;
      }
      if (found.size === 0) return;
      const findings = [...found.values()];
      throw new OcaptainError(
        "NOT_TO_LEAVE",
        `nothing was pushed, because of what would go along:\n${findingsText(findings)}\nWhat was committed once is pushed, also where a later task has taken it away`,
        {
          hint: `ocaptain land ${voyage.file.stack} --allow-secret ${findings[0]!.fingerprint}  # if it is a false alarm; else --squash leaves out what is not in the end`,
        },
      );
    },
    clean: async (facts) => withoutSecrets(facts, await secrets()),
  };
}
