import { looked } from "./looked.ts";
import { plantedIn, type Secret } from "./planted.ts";
import { scan } from "./scan.ts";

/** What stands where a secret was. */
const TAKEN_OUT = "[a secret was taken out here]";

/**
 * A copy of facts in which every text is rid of secrets: of the captain's own, and of what looks like one. It is for
 * what goes to a forge beside the commits: what an agent wrote of its task, and what verify.sh printed.
 */
export async function withoutSecrets<Facts>(facts: Facts, secrets: readonly Secret[]): Promise<Facts> {
  const texts = new Set<string>();
  collect(facts, texts);
  const coming = (async function* () {
    for (const text of texts) yield { of: text, text };
  })();
  const planted = plantedIn(secrets);
  const places = new Map<string, { from: number; to: number }[]>();
  for await (const { of, match } of scan(coming, (text) => looked(text, planted)))
    places.set(of, [...(places.get(of) ?? []), match]);
  return places.size === 0 ? facts : (replaced(facts, places) as Facts);
}

function collect(value: unknown, texts: Set<string>): void {
  if (typeof value === "string") texts.add(value);
  else if (value !== null && typeof value === "object") for (const each of Object.values(value)) collect(each, texts);
}

function replaced(value: unknown, places: ReadonlyMap<string, readonly { from: number; to: number }[]>): unknown {
  if (typeof value === "string") return cut(value, places.get(value) ?? []);
  if (Array.isArray(value)) return value.map((each) => replaced(each, places));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, replaced(each, places)]));
}

function cut(text: string, places: readonly { from: number; to: number }[]): string {
  let [rest, end] = ["", 0];
  for (const { from, to } of [...places].sort((a, b) => a.from - b.from)) {
    if (from >= end) rest += text.slice(end, from) + TAKEN_OUT;
    end = Math.max(end, to);
  }
  return rest + text.slice(end);
}
