import { plain } from "../../lib/base/text.ts";
import type { LandedPull } from "../../lib/watch/view.ts";

/** A pull request in one line: its address, state and checks. */
export function landedLine(pull: LandedPull): string {
  const { number, url, state, isDraft, openComments, approvedBy, changesBy } = pull;
  const words = [
    state === "unknown" ? "not asked since it was pushed" : isDraft && state === "open" ? "a draft" : state,
    ...(pull.mergeable === false && state === "open" ? [`conflicts with ${pull.base}`] : []),
    ...checkCounts(pull),
    ...(approvedBy.length > 0 ? [`approved by ${approvedBy.join(", ")}`] : []),
    ...(changesBy.length > 0 ? [`${changesBy.join(", ")} asked for changes`] : []),
    ...(openComments > 0 ? [`${openComments} open ${openComments === 1 ? "remark" : "remarks"}`] : []),
  ];
  return plain(`pull request ${number}  ${words.join(" · ")} · ${url}`, { most: 2000 });
}

const WORDS = { failure: "failed", pending: "pending", success: "passed", neutral: "skipped" } as const;

/** How many checks there are of each kind: `2 checks failed`, `3 passed`. */
function checkCounts({ checks }: LandedPull): string[] {
  const counts = (Object.keys(WORDS) as (keyof typeof WORDS)[])
    .map((state) => ({ state, count: checks.filter((check) => check.state === state).length }))
    .filter(({ count }) => count > 0);
  return counts.map(
    ({ state, count }, nth) => `${count}${nth === 0 ? ` ${count === 1 ? "check" : "checks"}` : ""} ${WORDS[state]}`,
  );
}
