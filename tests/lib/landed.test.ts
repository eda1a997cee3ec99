import { expect, test } from "vitest";
import type { LandingFile } from "../../lib/voyage/landing-file.ts";
import { landedPulls, landingAttention } from "../../lib/watch/landed.ts";
import type { StatusView } from "../../lib/watch/view.ts";
import { LANDED_TIP, landingFile } from "../support/landing.ts";

type Review = NonNullable<LandingFile["facts"]>["pulls"][number]["reviews"][number];
const review = (author: string, state: Review["state"], hour: number, mayWrite = true): Review => ({
  ...{ id: `${author}-${hour}`, author, state, body: "", at: `2026-11-28T${String(hour).padStart(2, "0")}:00:00Z`, mayWrite },
});
/** The messages of what needs the captain, by the last part but one of each id. */
function needs(landing: LandingFile | undefined, more: { state?: StatusView["state"]; tip?: string; canLand?: boolean } = {}) {
  const { state = "verified", tip = LANDED_TIP, canLand = true } = more;
  const rows = landingAttention({ stack: "sea", state, tip, landed: landedPulls(landing) }, { landing, canLand });
  for (const row of rows) expect(row).toMatchObject({ kind: "landing", since: null, action: { verb: "none" } });
  return Object.fromEntries(rows.map(({ id, message, hint }) => [id.split("/").at(-2), `${message} | ${hint}`]));
}

test("what failed, what somebody asked for, and a conflict each need the captain, and each names what helps", () => {
  const checks = {
    build: "failure",
    docs: "success",
    e2e: "failure",
    lint: "failure",
    unit: "failure",
    slow: "pending",
  } as const;
  const facts = { mergeable: false, reviews: [review("ann", "changes-requested", 9)] };
  expect(needs(landingFile({ checks, facts }))).toEqual({
    "ci-failed":
      "4 checks of pull request 7 failed: build, e2e, lint and 1 more | ocaptain land fix sea  # a task for the fleet of each; ocaptain land status sea shows them",
    "changes-requested":
      "ann asked for changes in pull request 7 | ocaptain land fix sea  # a task for the fleet of each; ocaptain land status sea shows them",
    conflict:
      "pull request 7 cannot be merged into main as it is: they conflict | ocaptain land sea  # merges main into the voyage's branch first",
  });
  expect(needs(landingFile({ checks: { build: "success", slow: "pending" } }))).toEqual({});
  expect(needs(landingFile({ checks, facts: { ...facts, state: "merged" } }))).toEqual({});
});

test("what the forge said before the last push is of other commits", () => {
  const landing = landingFile({ checks: { build: "failure" }, pushedAgain: true });
  expect(needs(landing)).toEqual({});
  expect(landedPulls(landing)).toMatchObject([{ number: 7, state: "unknown", checks: [], mergeable: null, asOf: null }]);
});

test("a verdict is the newest of a person who may write, and a remark takes none back", () => {
  const reviews = [
    review("bob", "approved", 12),
    review("bob", "changes-requested", 9),
    review("ann", "changes-requested", 8),
    review("ann", "commented", 13),
    review("eve", "changes-requested", 14, false),
    review("cid", "changes-requested", 7),
    review("cid", "dismissed", 9),
  ];
  expect(landedPulls(landingFile({ facts: { reviews } }))).toMatchObject([{ approvedBy: ["bob"], changesBy: ["ann"] }]);
});

test("a verified voyage that came from a repository and has not landed is ready to", () => {
  expect(needs(undefined)).toEqual({
    ready: "the voyage is verified, and has not landed | ocaptain land sea  # makes a draft of a pull request; it asks before",
  });
  expect(needs(landingFile(), { tip: "c".repeat(40) })).toMatchObject({
    ready: expect.stringMatching(/^what was done since it landed is verified/),
  });
  expect(needs(landingFile())).toEqual({});
  expect(needs(undefined, { canLand: false })).toEqual({});
  expect(needs(undefined, { state: "verifying" })).toEqual({});
});

test("only an https address of the forge's own becomes a link", () => {
  const link = (url: string) => {
    const landing = landingFile({ facts: { checks: [{ name: "c", state: "failure", url, summary: "x".repeat(999), id: "c" }] } });
    const [check] = landedPulls({ ...landing, pulls: [{ ...landing.pulls[0]!, url }] })[0]!.checks;
    expect(landedPulls({ ...landing, pulls: [{ ...landing.pulls[0]!, url }] })[0]!.link).toBe(check!.link);
    expect(check!.summary).toHaveLength(200);
    return check!.link;
  };
  expect(link("https://git.example.com/ann/sea/actions/1")).toBe("https://git.example.com/ann/sea/actions/1");
  for (const other of [
    "http://git.example.com/ann/sea",
    "https://git.example.com.evil.example/x",
    "javascript:alert(1)",
    "//git.example.com",
    "https://ann@evil.example/git.example.com",
  ])
    expect([other, link(other)]).toEqual([other, null]);
});
