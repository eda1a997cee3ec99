import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

type Json = Record<string, unknown>;
type StandInPull = Json & {
  number: number;
  title: string;
  body: string;
  draft: boolean;
  state: string;
  merged_at: string | null;
};
/** An answer that differs from the usual one, for calls that begin so: `POST /repos/crew/boat/pulls`. */
type Fault = { on: string; status: number; headers?: Record<string, string>; body?: unknown; times?: number; hangUp?: boolean };

/**
 * A stand-in of GitHub's API on loopback, as far as pull requests are landed, written from its documentation
 * (https://docs.github.com/rest, https://docs.github.com/graphql); nothing here was seen from the live service. It is
 * awkward on purpose: whether a pull request is mergeable is null at first, and missing in lists; a page holds at most
 * `pageSize` entries, whatever was asked for, and only the `Link` header tells that another follows; a second pull
 * request of a branch is 422; a private repository without a right is 404; each answer has an ETag, and 304 comes where
 * it is known; a job's log is at another host, which notes what it is sent.
 */
export async function startStandInPulls(options: { owner?: string; repo?: string } = {}) {
  const { owner = "crew", repo = "boat" } = options;
  const state = {
    token: "ghp_StandIn0fTheCaptain",
    isPrivate: true,
    pageSize: 100,
    /** How often a pull request is read before it is known whether it can be merged, and what is known then. */
    readsUntilMergeable: 1,
    mergeable: true,
    /** The commit of each branch. */
    branches: new Map<string, string>(),
    pulls: [] as StandInPull[],
    reviews: [] as Json[],
    threads: [] as Json[],
    checkRuns: [] as Json[],
    statuses: [] as Json[],
    annotations: [] as Json[],
    /** What each person may do: `admin`, `write`, `read`. */
    rights: {} as Record<string, string>,
    protection: "",
    log: "",
    calls: [] as string[],
    /** How many answers were 304. */
    unchanged: 0,
    atLogHost: [] as (string | undefined)[],
    faults: [] as Fault[],
  };
  const reads = new Map<number, number>();
  let base = "";
  let logHost = "";
  const root = `/repos/${owner}/${repo}`;

  const view = (pull: StandInPull) => ({ ...pull, head: { ...(pull.head as Json), sha: shaOf(pull) } });
  const shaOf = (pull: StandInPull) => state.branches.get((pull.head as Json).ref as string) ?? "0".repeat(40);

  const server = createServer((request, response) => void answer(request, response));
  const logs = createServer((request, response) => {
    state.atLogHost.push(request.headers.authorization);
    response.writeHead(200, { "content-type": "text/plain" }).end(state.log);
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "", base);
    const method = request.method ?? "GET";
    state.calls.push(`${method} ${request.url}`);
    let said = "";
    for await (const chunk of request.setEncoding("utf8")) said += chunk;
    const body = said === "" ? {} : (JSON.parse(said) as Json);
    const say = (status: number, value: unknown, headers: Record<string, string> = {}) => {
      const text = JSON.stringify(value);
      const etag = `W/"${createHash("sha256").update(text).digest("hex").slice(0, 20)}"`;
      const isKnown = status === 200 && request.headers["if-none-match"] === etag;
      if (isKnown) state.unchanged++;
      response.writeHead(isKnown ? 304 : status, { "content-type": "application/json; charset=utf-8", etag, ...headers });
      response.end(isKnown ? undefined : text);
    };
    const refuse = (status: number, message: string, more: Json = {}) =>
      say(status, { message, status: String(status), ...more });
    const fault = state.faults.find(({ on, times = 1 }) => times > 0 && `${method} ${url.pathname}`.startsWith(on));
    if (fault) {
      fault.times = (fault.times ?? 1) - 1;
      if (fault.hangUp) return void request.socket.destroy();
      return say(fault.status, fault.body ?? { message: "a fault" }, fault.headers);
    }
    const { authorization } = request.headers;
    if (authorization !== undefined && authorization !== `Bearer ${state.token}`) return refuse(401, "Bad credentials");
    if (url.pathname === "/graphql") return graphql(body, say);
    const old = /^\/repos\/old\/name(\/.*)?$/.exec(url.pathname);
    if (old)
      return say(method === "GET" ? 301 : 307, { message: "Moved" }, { location: `${base}${root}${old[1] ?? ""}${url.search}` });
    const path = url.pathname === root ? "" : url.pathname.startsWith(`${root}/`) ? url.pathname.slice(root.length) : null;
    if (path === null || (state.isPrivate && authorization === undefined)) return refuse(404, "Not Found");
    const list = (all: unknown[], within?: string) => {
      const size = Math.min(state.pageSize, Number(url.searchParams.get("per_page") ?? 30));
      const page = Number(url.searchParams.get("page") ?? 1);
      const next = new URL(url);
      next.searchParams.set("page", String(page + 1));
      const link = all.length > page * size ? { link: `<${next}>; rel="next", <${next}>; rel="last"` } : undefined;
      const found = all.slice((page - 1) * size, page * size);
      say(200, within ? { total_count: all.length, [within]: found } : found, link);
    };
    const [, number, rest = ""] = /^\/(?:pulls|issues)\/(\d+)(\/.*)?$/.exec(path) ?? [];
    const pull = state.pulls.find((each) => each.number === Number(number));
    if (number !== undefined && !pull) return refuse(404, "Not Found");

    if (method === "GET" && path === "") return say(200, { default_branch: "main", allow_merge_commit: true });
    if (method === "GET" && path === "/pulls") {
      const head = url.searchParams.get("head");
      const into = url.searchParams.get("base");
      const all = state.pulls.filter(
        (each) =>
          (head === null || head === `${owner}:${(each.head as Json).ref}`) &&
          (into === null || into === (each.base as Json).ref) &&
          (url.searchParams.get("state") === "all" || each.state === (url.searchParams.get("state") ?? "open")),
      );
      return list(all.toReversed().map(view));
    }
    if (method === "POST" && path === "/pulls") {
      const isThere = state.pulls.some((each) => each.state === "open" && (each.head as Json).ref === body.head);
      const problem = isThere
        ? { resource: "PullRequest", code: "custom", message: `A pull request already exists for ${owner}:${body.head}.` }
        : state.branches.has(String(body.head))
          ? undefined
          : { resource: "PullRequest", field: "head", code: "invalid" };
      if (problem) return refuse(422, "Validation Failed", { errors: [problem] });
      const one = {
        number: state.pulls.length + 1,
        title: String(body.title),
        body: String(body.body),
        draft: body.draft === true,
      };
      const html_url = `https://github.com/${owner}/${repo}/pull/${one.number}`;
      const made = {
        ...one,
        node_id: `PR_${one.number}`,
        html_url,
        state: "open",
        merged_at: null,
        head: { ref: body.head },
        base: { ref: body.base, sha: "1".repeat(40) },
      };
      state.pulls.push(made);
      return say(201, { ...view(made), mergeable: null });
    }
    if (pull && method === "GET" && rest === "" && path.startsWith("/pulls")) {
      const count = (reads.get(pull.number) ?? 0) + 1;
      reads.set(pull.number, count);
      return say(200, { ...view(pull), mergeable: count > state.readsUntilMergeable ? state.mergeable : null });
    }
    if (pull && method === "PATCH") {
      Object.assign(pull, body, body.base ? { base: { ref: body.base, sha: "1".repeat(40) } } : {});
      return say(200, { ...view(pull), mergeable: null });
    }
    if (pull && rest === "/requested_reviewers") {
      const unknown = (body.reviewers as string[]).find((each) => state.rights[each] === undefined);
      if (unknown)
        return refuse(
          422,
          "Reviews may only be requested from collaborators. One or more of the users or teams you specified is not a collaborator of the crew/boat repository.",
        );
      pull.requested = body.reviewers;
      return say(201, view(pull));
    }
    if (pull && rest === "/labels") {
      pull.labels = body.labels;
      return say(
        200,
        (body.labels as string[]).map((name) => ({ name })),
      );
    }
    if (pull && method === "PUT" && rest === "/merge") {
      if (state.protection) return refuse(405, state.protection);
      if (pull.draft) return refuse(405, "Pull Request is still a draft");
      if (body.sha !== shaOf(pull)) return refuse(409, "Head branch was modified. Review and try the merge again.");
      Object.assign(pull, { state: "closed", merged_at: "2026-11-28T12:00:00Z" });
      return say(200, { sha: "2".repeat(40), merged: true, message: "Pull Request successfully merged" });
    }
    if (pull && rest === "/reviews") return list(state.reviews);
    if (/^\/commits\/[0-9a-f]{40}\/check-runs$/.test(path)) return list(state.checkRuns, "check_runs");
    if (/^\/commits\/[0-9a-f]{40}\/status$/.test(path)) return list(state.statuses, "statuses");
    if (/^\/check-runs\/\d+\/annotations$/.test(path)) return list(state.annotations);
    if (/^\/actions\/jobs\/\d+\/logs$/.test(path))
      return state.log === "" ? refuse(410, "Gone") : void response.writeHead(302, { location: logHost }).end();
    const who = /^\/collaborators\/([\w-]+)\/permission$/.exec(path)?.[1];
    if (who) return state.rights[who] ? say(200, { permission: state.rights[who] }) : refuse(404, `${who} is not a user`);
    refuse(404, "Not Found");
  }

  function graphql({ query, variables }: Json, say: (status: number, value: unknown) => void) {
    const given = variables as Json;
    const change = /(convertPullRequestToDraft|markPullRequestReadyForReview)/.exec(String(query))?.[1];
    if (change) {
      const pull = state.pulls.find(({ node_id }) => node_id === given.id);
      if (!pull) return say(200, { data: null, errors: [{ type: "NOT_FOUND", message: "Could not resolve to a node" }] });
      pull.draft = change === "convertPullRequestToDraft";
      return say(200, { data: { [change]: { clientMutationId: null } } });
    }
    const from = Number(given.after ?? 0);
    const nodes = state.threads.slice(from, from + Math.min(state.pageSize, 50));
    const endCursor = String(from + nodes.length);
    const pageInfo = { hasNextPage: from + nodes.length < state.threads.length, endCursor };
    say(200, { data: { repository: { pullRequest: { reviewThreads: { pageInfo, nodes } } } } });
  }

  await Promise.all([server, logs].map((each) => new Promise<void>((done) => each.listen(0, "127.0.0.1", done))));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  logHost = `http://localhost:${(logs.address() as AddressInfo).port}/log`;
  return {
    ...{ url: base, state, origin: `https://github.com/${owner}/${repo}.git` },
    /** The environment of a captain who has its token. */
    env: { PATH: process.env.PATH, HOME: "/nonexistent", GITHUB_API_URL: base, GH_TOKEN: state.token } as NodeJS.ProcessEnv,
    close: async () => {
      for (const each of [server, logs]) each.closeAllConnections();
      await Promise.all([server, logs].map((each) => new Promise((done) => each.close(done))));
    },
  };
}
