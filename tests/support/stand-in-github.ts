import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** An issue of the stand-in: what it is part of, what blocks it, and whether the API says so in its summaries. */
export type StandInIssue = {
  number: number;
  title?: string;
  body?: string | null;
  state?: "open" | "closed";
  labels?: string[];
  milestone?: number;
  isPull?: boolean;
  parts?: readonly (number | { repo: string; number: number })[];
  blockedBy?: readonly (number | { repo: string; number: number })[];
};

/** An answer that differs from the usual one, for paths that begin so. */
type Fault = { on: string; status: number; headers?: Record<string, string>; body?: string; times?: number };

/**
 * A stand-in of GitHub's REST API on loopback, as far as issues are read (https://docs.github.com/rest/issues); nothing
 * here was seen from the live service. It is awkward on purpose: pull requests are among the issues; a page holds at
 * most `pageSize` entries, whatever was asked for, and only the `Link` header tells that another follows; closed
 * blockers are among those of an issue; a body may be null; a repository that may not be seen is 404; a renamed one
 * answers with a redirect.
 */
export async function startStandInGithub(options: { repo: string; issues: StandInIssue[]; pageSize?: number }) {
  const { repo, pageSize = 100 } = options;
  const state = {
    issues: options.issues,
    milestones: [] as { number: number; title: string }[],
    token: "ghp_StandIn0fTheCaptain",
    isPrivate: false,
    calls: [] as string[],
    faults: [] as Fault[],
  };
  let base = "";

  const view = (issue: StandInIssue) => ({
    id: 1_000_000 + issue.number,
    number: issue.number,
    title: issue.title ?? `Card ${issue.number}`,
    body: issue.body === undefined ? "" : issue.body,
    state: issue.state ?? "open",
    repository_url: `${base}/repos/${repo}`,
    labels: (issue.labels ?? []).map((name) => ({ name })),
    ...(issue.isPull && { pull_request: { url: "" } }),
    sub_issues_summary: { total: issue.parts?.length ?? 0, completed: 0, percent_completed: 0 },
    issue_dependencies_summary: { blocked_by: 0, total_blocked_by: issue.blockedBy?.length ?? 0, blocking: 0, total_blocking: 0 },
  });
  const named = (which: readonly (number | { repo: string; number: number })[] = []) =>
    which.map((each) =>
      typeof each === "number"
        ? view(state.issues.find(({ number }) => number === each)!)
        : { ...view({ number: each.number }), repository_url: `${base}/repos/${each.repo}` },
    );

  const server = createServer((request, response) => {
    const url = new URL(request.url!, base);
    state.calls.push(`${request.method} ${request.url}`);
    const say = (status: number, body: unknown, headers: Record<string, string> = {}) =>
      response
        .writeHead(status, { "content-type": "application/json; charset=utf-8", ...headers })
        .end(typeof body === "string" ? body : JSON.stringify(body));
    const fault = state.faults.find(({ on, times = 1 }) => times > 0 && url.pathname.startsWith(on));
    if (fault) {
      fault.times = (fault.times ?? 1) - 1;
      return say(fault.status, fault.body ?? { message: "a fault" }, fault.headers);
    }
    const said = request.headers.authorization;
    if (said !== undefined && said !== `Bearer ${state.token}`) return say(401, { message: "Bad credentials" });
    const old = /^\/repos\/old\/name(\/.*)$/.exec(url.pathname);
    if (old) return say(301, { message: "Moved Permanently" }, { location: `${base}/repos/${repo}${old[1]}${url.search}` });
    const path = url.pathname.startsWith(`/repos/${repo}/`) && url.pathname.slice(`/repos/${repo}`.length);
    if (!path || (state.isPrivate && said === undefined)) return say(404, { message: "Not Found" });
    const [, number, what] = /^\/issues\/(\d+)\/(sub_issues|dependencies\/blocked_by)$/.exec(path) ?? [];
    const one = state.issues.find((issue) => issue.number === Number(number));
    const all = one
      ? named(what === "sub_issues" ? one.parts : one.blockedBy)
      : path === "/issues"
        ? chosen(url.searchParams).map(view)
        : path === "/milestones"
          ? state.milestones
          : undefined;
    if (!all) return say(404, { message: "Not Found" });
    const size = Math.min(pageSize, Number(url.searchParams.get("per_page") ?? 30));
    const page = Number(url.searchParams.get("page") ?? 1);
    const next = new URL(url);
    next.searchParams.set("page", String(page + 1));
    const link = all.length > page * size ? { link: `<${next}>; rel="next", <${next}>; rel="last"` } : undefined;
    say(200, all.slice((page - 1) * size, page * size), link);
  });

  function chosen(query: URLSearchParams): StandInIssue[] {
    const [label, milestone] = [query.get("labels"), query.get("milestone")];
    return state.issues.filter(
      (issue) =>
        (issue.state ?? "open") === query.get("state") &&
        (label === null || issue.labels?.includes(label)) &&
        (milestone === null || String(issue.milestone) === milestone),
    );
  }

  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { ...{ url: base, state }, close: () => new Promise((done) => server.close(done)) };
}
