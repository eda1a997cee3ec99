import type { LandingFile } from "../../lib/voyage/landing-file.ts";

type Facts = NonNullable<LandingFile["facts"]>["pulls"][number];

/** The commit that {@link landingFile} has pushed. */
export const LANDED_TIP = "b".repeat(40);

/** The record of a landing at a Gitea, with one pull request, number 7, and what the forge has said of it. */
export function landingFile(
  more: { checks?: Record<string, Facts["checks"][number]["state"]>; facts?: Partial<Facts>; pushedAgain?: boolean } = {},
): LandingFile {
  const web = "https://git.example.com/ann/sea";
  const push = (at: string) => ({ commit: LANDED_TIP, head: LANDED_TIP, branch: "ocaptain/sea", at });
  const checks = Object.entries(more.checks ?? {}).map(([name, state]) => ({ name, state, url: null, summary: null, id: name }));
  const facts = { number: 7, state: "open" as const, isDraft: false, mergeable: true, checks, reviews: [], openComments: 0 };
  return {
    ...{ version: 1, voyageId: "abc123", remote: `${web}.git`, branch: "ocaptain/sea", base: "main", how: "per-task" },
    forge: { kind: "gitea", api: "https://git.example.com/api/v1", owner: "ann", repo: "sea", web },
    baseCommit: "a".repeat(40),
    pushed: [push("2026-11-28T10:00:00.000Z"), ...(more.pushedAgain ? [push("2026-11-28T12:00:00.000Z")] : [])],
    pulls: [{ number: 7, url: `${web}/pulls/7`, branch: "ocaptain/sea", base: "main" }],
    facts: { at: "2026-11-28T11:00:00.000Z", pulls: [{ ...facts, ...more.facts }] },
    fixes: [],
  };
}
