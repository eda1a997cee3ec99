import { counted } from "../base/counted.ts";
import type { VoyageIdentity } from "../voyage/identity.ts";
import type { LandingFile } from "../voyage/landing-file.ts";
import type { Attention, LandedPull, StatusView } from "./view.ts";

type Facts = NonNullable<LandingFile["facts"]>["pulls"][number];

/** The most pull requests, and checks of one, that a view has. */
const MOST_PULLS = 50;
const MOST_CHECKS = 50;

/** The pull requests of a landing, with what the forge has last said of each. */
export function landedPulls(landing: LandingFile | undefined): LandedPull[] {
  if (!landing) return [];
  const { forge, pulls } = landing;
  return pulls.slice(-MOST_PULLS).map(({ number, url, branch, base }) => {
    const facts = factsOf(landing, number);
    const verdicts = facts ? verdictsOf(facts.reviews) : new Map<string, Facts["reviews"][number]>();
    const by = (state: string) => [...verdicts.values()].filter((each) => each.state === state).map(({ author }) => author);
    return {
      ...{ number, url, link: linkAt(forge?.web, url), branch, base },
      ...{ state: facts?.state ?? "unknown", isDraft: facts?.isDraft ?? false, mergeable: facts?.mergeable ?? null },
      checks: (facts?.checks ?? [])
        .toSorted((one, other) => RANK[one.state] - RANK[other.state])
        .slice(0, MOST_CHECKS)
        .map(({ name, state, url, summary }) => ({
          name,
          state,
          link: linkAt(forge?.web, url),
          summary: (summary ?? "").slice(0, 200),
        })),
      ...{ approvedBy: by("approved"), changesBy: by("changes-requested"), openComments: facts?.openComments ?? 0 },
      asOf: facts ? landing.facts!.at : null,
    };
  });
}

/** What has failed comes first. */
const RANK = { failure: 0, pending: 1, success: 2, neutral: 3 } as const;

/** What the forge has said of a pull request since the last push. What it said before is of other commits. */
function factsOf({ facts, pushed }: LandingFile, number: number): Facts | undefined {
  const newest = pushed.at(-1)?.at ?? "";
  return facts && facts.at >= newest ? facts.pulls.find((pull) => pull.number === number) : undefined;
}

/** The newest verdict of each person who may write. A mere remark takes none back. */
function verdictsOf(reviews: Facts["reviews"]): Map<string, Facts["reviews"][number]> {
  const given = reviews.filter(({ state, mayWrite }) => mayWrite && state !== "commented");
  return new Map(given.toSorted((one, other) => Date.parse(one.at) - Date.parse(other.at)).map((each) => [each.author, each]));
}

/**
 * An address that may become a link: one of the forge's own, over https. What a forge says is another's text, and a
 * check may name any address.
 */
function linkAt(web: string | undefined, url: string | null): string | null {
  const [own, meant] = [URL.parse(web ?? ""), URL.parse(url ?? "")];
  return own && meant?.protocol === "https:" && meant.origin === own.origin ? meant.href : null;
}

/** What is known of a voyage's landing, and whether it has where to land. */
export type LandingLook = { landing: LandingFile | undefined; canLand: boolean };

/** Whether a voyage has a repository to which it can be brought back. */
export const canLand = ({ repository }: Pick<VoyageIdentity, "repository">): boolean => (repository?.address ?? "") !== "";

const READY = "landing/ready/";
/** Whether a row of "needs you" says that a voyage is ready to land. @param id  the row's */
export const isReadyToLand = (id: string): boolean => id.startsWith(READY);

/** What of a voyage's landing only the captain can mend, and that it is ready to land. */
export function landingAttention(
  { stack, state, tip, landed }: Pick<StatusView, "stack" | "state" | "tip" | "landed">,
  { landing, canLand }: LandingLook,
): Attention[] {
  const head = landing?.pushed.at(-1)?.head.slice(0, 12) ?? "";
  const found = landed
    .filter((pull) => pull.state === "open")
    .flatMap((pull) => {
      const about = (what: string, message: string, hint: string): Attention => ({
        ...{ id: `landing/${pull.number}/${what}/${head}`, kind: "landing", of: String(pull.number), message, hint },
        ...{ since: null, action: { verb: "none" } },
      });
      const failed = pull.checks.filter((check) => check.state === "failure").map(({ name }) => name);
      const names = failed.length > 3 ? `${failed.slice(0, 3).join(", ")} and ${failed.length - 3} more` : failed.join(", ");
      const it = `pull request ${pull.number}`;
      const fix = `ocaptain land fix ${stack}  # a task for the fleet of each; ocaptain land status ${stack} shows them`;
      return [
        ...(failed.length > 0 ? [about("ci-failed", `${counted(failed.length, "check")} of ${it} failed: ${names}`, fix)] : []),
        ...(pull.changesBy.length > 0
          ? [about("changes-requested", `${pull.changesBy.join(", ")} asked for changes in ${it}`, fix)]
          : []),
        ...(pull.mergeable === false
          ? [
              about(
                "conflict",
                `${it} cannot be merged into ${pull.base} as it is: they conflict`,
                `ocaptain land ${stack}  # merges ${pull.base} into the voyage's branch first`,
              ),
            ]
          : []),
      ];
    });
  const isLanded = landing?.pushed.some(({ commit }) => commit === tip) === true;
  if (state === "verified" && canLand && tip !== null && !isLanded)
    found.push({
      ...{ id: `${READY}${tip.slice(0, 12)}`, kind: "landing", of: stack, since: null, action: { verb: "none" } },
      message: `${landing ? "what was done since it landed" : "the voyage"} is verified, and has not landed`,
      hint: `ocaptain land ${stack}  # makes a draft of a pull request; it asks before`,
    });
  return found;
}
