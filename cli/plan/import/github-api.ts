import { z } from "zod";
import { fitOrThrow } from "../../../lib/base/check-input.ts";
import { OcaptainError } from "../../../lib/base/errors.ts";
import { errorText, type HttpReply, openHttp, steady } from "../../../lib/base/http-call.ts";
import { inDotEnv } from "../../../lib/base/secret-hints.ts";
import { plain } from "../../../lib/base/text.ts";
import { keyOfGh } from "../../forge/token.ts";
import { githubApi, isSafe } from "../../forge/which.ts";
import { type GithubIssues, Issue } from "./github.ts";

export type GithubAsk = { repo: string; label?: string | undefined; milestone?: string | undefined };

const PAGE = 100;
/** More issues than this are no plan that somebody has thought through. */
const MOST_PAGES = 50;
const MiB = 1024 * 1024;
/** The longest that is waited for a rate limit that passes soon. */
const RATE_MS = 60_000;
const Issues = z.array(Issue);
const Milestones = z.array(z.looseObject({ number: z.int(), title: z.string() }));

/**
 * Asks GitHub for the open issues of a repository, for the sub-issues of each that has some, and for what blocks each
 * that is blocked. It reads only.
 *
 * The API is that of GITHUB_API_URL, else of GH_HOST, else of github.com. The token is GH_TOKEN, GITHUB_TOKEN, or that
 * of `gh auth login`; public repositories can be read without one, though only a few times an hour.
 *
 * @throws OcaptainError GITHUB, GITHUB_TOKEN, GITHUB_RATE, USAGE
 */
export async function askGithub(ask: GithubAsk, progress: (text: string) => void): Promise<GithubIssues> {
  const { repo } = ask;
  const web = `https://${process.env.GH_HOST || "github.com"}`;
  const base = githubApi(web, process.env);
  if (!isSafe(base))
    throw new OcaptainError("USAGE", "GITHUB_API_URL must be an https:// address, as the token goes there", {
      hint: "unset GITHUB_API_URL",
    });
  const said = process.env.GH_TOKEN || process.env.GITHUB_TOKEN;
  const host = new URL(base).hostname.replace(/^api\./, "");
  const key = said ? { authorization: `Bearer ${said}` } : await keyOfGh(host, { env: process.env });
  const hint = "ocaptain plan import --help";
  const http = openHttp({
    baseUrl: base,
    headers: {
      accept: "application/vnd.github+json",
      "x-github-api-version": "2022-11-28",
      "user-agent": "ocaptain",
      ...(key && { authorization: key.authorization }),
    },
    timeoutMs: 30_000,
    mostBytes: 16 * MiB,
    // A repository that was renamed answers with a redirect. fetch hands the token to no other host.
    redirect: "follow",
    rateBudgetMs: RATE_MS,
    judge: (reply) => judge(reply, repo, key !== null),
    unreachable: { code: "GITHUB", hint },
    rateLimited: { code: "GITHUB_RATE", hint: "wait, and import again" },
  });
  const root = `/repos/${repo}`;

  async function pages<T>(path: string, schema: z.ZodType<T[]>, what: string): Promise<T[]> {
    const found: T[] = [];
    for (let page = 1; ; page++) {
      if (page > MOST_PAGES)
        throw new OcaptainError(
          "GITHUB",
          `${repo} has more than ${MOST_PAGES * PAGE} ${what}: choose by --label or --milestone`,
          { hint },
        );
      const mark = path.includes("?") ? "&" : "?";
      const reply = await steady(http, { method: "GET", path: `${root}${path}${mark}per_page=${PAGE}&page=${page}` });
      if (reply.status !== 200)
        throw new OcaptainError("GITHUB", `${reply.call}: ${reply.status}: ${plain(errorText(reply))}`, { hint });
      const refuse = (why: string) =>
        new OcaptainError("GITHUB", `${reply.call}: the answer is not what GitHub's is: ${why}`, { hint });
      found.push(...fitOrThrow(schema, parsed(reply, refuse), refuse));
      // A page may hold fewer than was asked for, and another one follow all the same.
      if (!/<[^<>]{1,2000}>;\s*rel="next"/.test(reply.headers.get("link") ?? "")) return found;
      progress(`  ${found.length} ${what} so far`);
    }
  }

  const query = new URLSearchParams({ state: "open", sort: "created", direction: "asc" });
  if (ask.label) query.set("labels", ask.label);
  if (ask.milestone) query.set("milestone", await milestoneNumber(ask.milestone));
  const issues = await pages(`/issues?${query}`, Issues, "issues");
  // A repository that was renamed answers for its old name, and its issues name the new one.
  const named = /\/repos\/([\w.-]{1,100}\/[\w.-]{1,100})$/.exec(issues[0]?.repository_url ?? "")?.[1] ?? repo;
  const [subIssues, blockedBy] = [new Map<number, Issue[]>(), new Map<number, Issue[]>()];
  const seen = new Map<number, Issue>();
  const queue = issues.filter((issue) => issue.pull_request === undefined);
  for (let issue = queue.shift(); issue; issue = queue.shift()) {
    if (seen.has(issue.number)) continue;
    seen.set(issue.number, issue);
    progress(`  issue ${seen.size}, ${queue.length} to go`);
    const blocked = issue.issue_dependencies_summary;
    if (blocked && Math.max(blocked.total_blocked_by ?? 0, blocked.blocked_by) > 0)
      blockedBy.set(issue.number, await pages(`/issues/${issue.number}/dependencies/blocked_by`, Issues, "blocking issues"));
    if ((issue.sub_issues_summary?.total ?? 0) === 0) continue;
    const subs = await pages(`/issues/${issue.number}/sub_issues`, Issues, "sub-issues");
    subIssues.set(issue.number, subs);
    queue.push(...subs.filter((sub) => sub.repository_url.toLowerCase().endsWith(`/repos/${named.toLowerCase()}`)));
  }
  progress("");
  return { repo: named, issues, subIssues, blockedBy };

  /** The API wants a milestone's number, and people know its title. */
  async function milestoneNumber(said: string): Promise<string> {
    const all = await pages("/milestones?state=all", Milestones, "milestones");
    const one = all.find(({ title }) => title === said) ?? all.find(({ number }) => String(number) === said);
    if (one) return String(one.number);
    const there =
      all.length > 0 ? `there are: ${all.map(({ title }) => plain(title, { most: 80 })).join(", ")}` : "there is none";
    throw new OcaptainError("USAGE", `${repo} has no milestone "${said}"; ${there}`, { hint });
  }
}

/** Refuses what no caller can use, and says what helps. @throws OcaptainError */
function judge(reply: HttpReply, repo: string, hasToken: boolean): void {
  const { status, headers, call } = reply;
  const words = () => plain(errorText(reply));
  const set = `set GH_TOKEN (${inDotEnv("GH_TOKEN")}), or gh auth login`;
  if (status === 401) throw new OcaptainError("GITHUB_TOKEN", `${call}: GitHub refuses the token: ${words()}`, { hint: set });
  if (status === 403 || status === 429) {
    const isOver = headers.get("x-ratelimit-remaining") === "0";
    if (isOver || headers.has("retry-after") || /rate limit/i.test(words())) {
      const reset = Number(headers.get("x-ratelimit-reset"));
      const until = isOver && reset > 0 && reset < 1e11 ? `, until ${new Date(reset * 1000).toISOString()}` : "";
      const soon = headers.has("retry-after") && Number(headers.get("retry-after")) * 1000 <= RATE_MS;
      // What passes soon is waited for, of a 429, by whoever made the call.
      if (status === 429 && soon) return;
      throw new OcaptainError("GITHUB_RATE", `${call}: too many calls for now${until}: ${words()}`, {
        hint: hasToken ? "wait, and import again" : `${set}: with a token more calls are allowed`,
      });
    }
    throw new OcaptainError("GITHUB", `${call}: the token may not read the issues of ${repo}: ${words()}`, {
      hint: "give it the right to read issues, and where the organisation asks for it, authorize it for single sign-on",
    });
  }
  if (status === 404)
    throw new OcaptainError(
      "GITHUB",
      `${call}: there is no such repository, or it may not be seen${hasToken ? " with this token" : " without a token"}`,
      {
        hint: hasToken ? "gh repo view OWNER/NAME" : set,
      },
    );
  if (status === 410) throw new OcaptainError("GITHUB", `${call}: ${repo} has no issues: they are switched off there`);
}

function parsed(reply: HttpReply, refuse: (why: string) => Error): unknown {
  try {
    return JSON.parse(reply.body.toString("utf8"));
  } catch {
    throw refuse("it is no JSON");
  }
}
