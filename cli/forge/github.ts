import { Octokit } from "@octokit/rest";
import { z } from "zod";
import { OcaptainError } from "../../lib/base/errors.ts";
import { LOOK_AGAIN_MS, sleep } from "../../lib/base/http-call.ts";
import { LOG_TAIL, MOST_ENTRIES } from "./bounded.ts";
import { answerOf, fitting, openCalls, refused } from "./calls.ts";
import type { Check, Forge, ForgePlace, Pull } from "./forge.ts";
import * as answers from "./github-answers.ts";
import { neededPermission } from "./github-permissions.ts";
import { asFetch, refusalOf } from "./github-transport.ts";
import { lastLines } from "./last-lines.ts";
import { remembered } from "./remembered.ts";
import type { Key } from "./token.ts";

type Ask = { place: ForgePlace; key: Key | null; tokenHint: string; signal?: AbortSignal | undefined };

const MiB = 1024 * 1024;
const ROWS = 100;

/**
 * Opens a repository at GitHub, through its own client. What that client asks goes by the calls that all forges share,
 * which bound and judge each answer; what it answers is checked here, and never taken by its types.
 */
export function openGithub({ place, key, tokenHint, signal }: Ask): Forge {
  // The other API of an Enterprise Server, GraphQL, is beside the one of this address.
  const below = place.api.replace(/\/v3$/, "");
  const http = openCalls({
    place: { ...place, api: below },
    ...{ key, tokenHint, signal },
    headers: { "x-github-api-version": "2022-11-28" },
    permissionFor: (request, reply) => neededPermission(request, reply.headers, place),
  });
  // It writes each call that fails to stderr, unless it is given somewhere else to write to.
  const log = { debug() {}, info() {}, warn() {}, error() {} };
  const octokit = new Octokit({ baseUrl: place.api, userAgent: "ocaptain", log, request: { fetch: asFetch(http, below) } });
  const repository = { owner: place.owner, repo: place.repo };

  /** Runs a call of the client and checks its answer. @param what  What is asked for, as it follows "cannot". */
  async function ask<T>(what: string, call: () => Promise<{ data: unknown }>, schema: z.ZodType<T>, hint?: string): Promise<T> {
    const { data } = await call().catch((error: unknown) => {
      throw refusalOf(error, what, place, hint);
    });
    return fitting(data, schema, `cannot ${what} in ${place.owner}/${place.repo}`);
  }

  /** Reads the pages of a list up to a bound. */
  async function list<T>(
    what: string,
    page: (page: number) => Promise<{ data: unknown; headers: { link?: string } }>,
    schema: z.ZodType<T[]>,
  ): Promise<T[]> {
    const found: T[] = [];
    for (let at = 1; found.length < MOST_ENTRIES; at++) {
      let isLast = true;
      const call = async () => {
        const reply = await page(at);
        // A page may hold fewer than was asked for, and another one follow all the same.
        isLast = !/rel="next"/.test(reply.headers.link ?? "");
        return reply;
      };
      found.push(...(await ask(what, call, schema)));
      if (isLast) break;
    }
    return found.slice(0, MOST_ENTRIES);
  }

  /** Asks again for a moment while GitHub has not worked out whether the pull request can be merged. */
  async function pull(number: number): Promise<Pull> {
    for (let attempt = 0; ; attempt++) {
      const call = () => octokit.rest.pulls.get({ ...repository, pull_number: number });
      const found = answers.pullOf(await ask("read a pull request", call, answers.Pull));
      const wait = LOOK_AGAIN_MS[attempt];
      if (found.state !== "open" || found.mergeable !== null || wait === undefined) return found;
      await sleep(wait);
    }
  }

  async function findPull(head: string, base?: string): Promise<Pull | null> {
    const found = await list(
      "list the pull requests",
      (page) =>
        octokit.rest.pulls.list({
          ...{ ...repository, head: `${place.owner}:${head}`, state: "all", sort: "created", direction: "desc" },
          ...{ ...(base !== undefined && { base }), per_page: ROWS, page },
        }),
      z.array(answers.Pull),
    );
    // Only the API's own filter knows the branch's owner; what else it gives is left out all the same.
    const own = found.map(answers.pullOf).filter((each) => each.head === head);
    return own.find(({ state }) => state === "open") ?? own[0] ?? null;
  }

  const mayWrite = remembered(async (login) => {
    if (login.toLowerCase() === place.owner.toLowerCase()) return true;
    try {
      const call = () => octokit.rest.repos.getCollaboratorPermissionLevel({ ...repository, username: login });
      const { permission } = await ask(`read the rights of ${login}`, call, answers.Permission);
      return permission === "admin" || permission === "write";
    } catch (error) {
      // Who cannot be told to have the right, has none: a bot, or where only those who may push may ask.
      if (error instanceof OcaptainError && /^FORGE_(PERMISSION|NOT_FOUND|REFUSED)$/.test(error.code)) return false;
      throw error;
    }
  });

  /** Changes whether a pull request is a draft, which only the other API can. */
  async function setDraft(number: number, isDraft: boolean): Promise<void> {
    const call = () => octokit.rest.pulls.get({ ...repository, pull_number: number });
    const { node_id, draft } = await ask("read a pull request", call, answers.Pull);
    if (draft === isDraft) return;
    const name = isDraft ? "convertPullRequestToDraft" : "markPullRequestReadyForReview";
    const change = `mutation($id: ID!) { ${name}(input: {pullRequestId: $id}) { clientMutationId } }`;
    const what = isDraft ? `make pull request ${number} a draft` : `mark pull request ${number} as ready for review`;
    await ask(what, async () => ({ data: await octokit.graphql(change, { id: node_id }) }), z.unknown());
  }

  return {
    place,
    pull,
    findPull,

    async defaultBranch() {
      return (await ask("read the repository", () => octokit.rest.repos.get(repository), answers.Repository)).default_branch;
    },

    async createPull({ head, base, title, body, draft }) {
      const call = () => octokit.rest.pulls.create({ ...repository, head, base, title, body, draft });
      const what = `open a pull request of ${head} into ${base}`;
      try {
        return answers.pullOf(await ask(what, call, answers.Pull));
      } catch (error) {
        if (!(error instanceof OcaptainError) || error.code !== "FORGE_REFUSED") throw error;
        // Somebody was faster, or an earlier call of ours whose answer was lost.
        const there = /already exists/i.test(error.message) ? await findPull(head, base) : null;
        if (there?.state === "open") return there;
        const noDrafts = /draft pull requests are not supported/i.test(error.message);
        throw noDrafts ? new OcaptainError(error.code, error.message, { hint: "ocaptain land --ready" }) : error;
      }
    },

    async updatePull(number, { draft, ...rest }) {
      if (draft !== undefined) await setDraft(number, draft);
      if (Object.keys(rest).length === 0) return pull(number);
      const call = () => octokit.rest.pulls.update({ ...repository, pull_number: number, ...rest });
      return answers.pullOf(await ask(`change pull request ${number}`, call, answers.Pull));
    },

    async askReviewers(number, users) {
      if (users.length === 0) return;
      const reviewers = users.filter((each) => !each.includes("/"));
      const team_reviewers = users.filter((each) => each.includes("/")).map((each) => each.split("/").at(-1) ?? "");
      const call = () => octokit.rest.pulls.requestReviewers({ ...repository, pull_number: number, reviewers, team_reviewers });
      await ask(`ask ${users.join(", ")} for a review`, call, z.unknown());
    },

    async addLabels(number, labels) {
      if (labels.length === 0) return;
      const call = () => octokit.rest.issues.addLabels({ ...repository, issue_number: number, labels: [...labels] });
      await ask("add labels", call, z.unknown());
    },

    async merge(number, { commit }) {
      const now = await pull(number);
      if (now.state === "merged") return now;
      const { method } = await ask("read the repository", () => octokit.rest.repos.get(repository), answers.Repository);
      const call = () => octokit.rest.pulls.merge({ ...repository, pull_number: number, sha: commit, merge_method: method });
      await ask(`merge pull request ${number}`, call, z.unknown(), `open ${now.url}: it says what is missing`);
      return pull(number);
    },

    async checks(commit) {
      const of = { ...repository, ref: commit, per_page: ROWS };
      const what = `read the checks of ${commit.slice(0, 10)}`;
      const runs = await list(
        what,
        async (page) => {
          const { headers, data } = await octokit.rest.checks.listForRef({ ...of, page });
          return { headers, data: data.check_runs };
        },
        z.array(answers.CheckRun),
      );
      const statuses = await list(
        what,
        async (page) => {
          const { headers, data } = await octokit.rest.repos.getCombinedStatusForRef({ ...of, page });
          return { headers, data: data.statuses };
        },
        z.array(answers.Status),
      );
      return [...runs.map(answers.checkOfRun), ...statuses.map((status) => answers.checkOfStatus(status, commit))];
    },

    async reviews(number) {
      const of = { ...repository, pull_number: number, per_page: ROWS };
      const all = await list(
        "list the reviews",
        (page) => octokit.rest.pulls.listReviews({ ...of, page }),
        z.array(answers.Review),
      );
      const given = all.flatMap(({ state, ...rest }) => (state === null ? [] : [{ ...rest, state }]));
      return Promise.all(given.map(async (each) => ({ ...each, mayWrite: await mayWrite(each.author) })));
    },

    async comments(number) {
      const found: answers.Remark[] = [];
      for (let after: string | null = null; found.length < MOST_ENTRIES; ) {
        const of: Record<string, unknown> = { ...repository, number, after };
        const call = async () => ({ data: await octokit.graphql(answers.THREADS, of) });
        const page: z.infer<typeof answers.Threads> = await ask("read the remarks on a pull request", call, answers.Threads);
        found.push(...page.remarks);
        if (page.next === null) break;
        after = page.next;
      }
      return Promise.all(found.slice(0, MOST_ENTRIES).map(async (each) => ({ ...each, mayWrite: await mayWrite(each.author) })));
    },

    async jobLog({ id }: Check) {
      const [, kind, number] = /^(job|run):(\d+)$/.exec(id) ?? [];
      if (number === undefined) return null;
      const root = `${place.api.slice(below.length)}/repos/${place.owner}/${place.repo}`;
      if (kind === "job") {
        // A job's log lies at another host, which gets no token.
        const reply = await http({ method: "GET", path: `${root}/actions/jobs/${number}/logs`, mostBytes: 64 * MiB });
        if (reply.status === 200) return lastLines(reply.body, LOG_TAIL);
        // It is deleted after a while, by 410 or 404.
        if (reply.status !== 404 && reply.status !== 410) throw refused(reply, "read a job's log", place);
      }
      const reply = await http({ method: "GET", path: `${root}/check-runs/${number}/annotations?per_page=50` });
      if (reply.status !== 200) return null;
      const lines = answerOf(reply, z.array(answers.Annotation)).map(
        ({ path, start_line, message }) => `${path}:${start_line}: ${message}`,
      );
      return lines.length > 0 ? lastLines(Buffer.from(lines.join("\n")), LOG_TAIL) : null;
    },
  };
}
