import { lintSource } from "@secretlint/core";
import { rules } from "@secretlint/secretlint-rule-preset-recommend";

/** A place in a text where something was found. `what` tells nothing of a secret itself. */
export type Match = { rule: string; what: string; from: number; to: number };

/**
 * The scanner's rules, one by one: its preset has another one, by which a comment in a file would switch them off.
 * Whoever wrote the secret could have written that.
 */
const RULES = rules
  .filter(({ meta }) => !meta.id.endsWith("-filter-comments"))
  .map((rule) => ({ id: rule.meta.id, rule: rule as never, options: {} }));

/** The token by which a ship speaks to the helm. */
const SHIP_TOKEN = /\b[0-9a-f]{6}\.[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])/g;

/** Finds what looks like a secret, by the usual patterns. */
export async function patternsIn(text: string): Promise<Match[]> {
  const { messages } = await lintSource({
    source: { content: text, filePath: "text", ext: ".txt", contentType: "text" },
    options: { config: { rules: RULES }, noPhysicFilePath: true },
  });
  const ours = [...text.matchAll(SHIP_TOKEN)].map(
    ({ index, 0: found }): Match => ({ rule: "ship", what: "a ship's token", from: index, to: index + found.length }),
  );
  const others = messages.map(({ ruleId, messageId, range: [from, to] }): Match => {
    const rule = ruleId.replace(/^@secretlint\/secretlint-rule-/, "");
    return { rule, what: `what looks like a secret (${rule}: ${messageId})`, from, to };
  });
  return [...ours, ...others];
}
