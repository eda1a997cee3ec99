import { z } from "zod";
import { OcaptainError } from "../../lib/base/errors.ts";
import { type HttpReply, type HttpRequest, LOOK_AGAIN_MS, sleep } from "../../lib/base/http-call.ts";
import { LOG_TAIL, MOST_ENTRIES, PAGE } from "./bounded.ts";
import { answerOf, openCalls, refused } from "./calls.ts";
import type { Check, Forge, ForgePlace, Pull, PullChange } from "./forge.ts";
import * as answers from "./gitea-answers.ts";
import { lastLines } from "./last-lines.ts";
import { remembered } from "./remembered.ts";
import type { Key } from "./token.ts";

type Ask = { place: ForgePlace; key: Key | null; tokenHint: string; signal?: AbortSignal | undefined };
type Request = Pick<HttpRequest, "method" | "path" | "json">;

/** How a title says that a pull request is a draft. Gitea and Forgejo have no other way. */
const DRAFT = /^(wip:|\[wip\]|draft:|\[draft\])\s*/i;
const draftTitle = (title: string, isDraft: boolean) => (isDraft ? `WIP: ${title}` : title);
const MiB = 1024 * 1024;

/** Opens a repository at a Gitea or a Forgejo, which speak the same API. */
export function openGitea({ place, key, tokenHint, signal }: Ask): Forge {
  const http = openCalls({
    ...{ place, key, tokenHint, signal },
    headers: { accept: "application/json" },
    permissionFor: ({ method, path }) =>
      `give the token the scope ${method === "GET" ? "read" : "write"}:${/\/(issues|labels)/.test(path) ? "issue" : "repository"}, and its owner the right to ${method === "GET" ? "read" : "write"} there: ${place.web}/settings/collaboration`,
  });
  const root = `/repos/${[place.owner, place.repo].map(encodeURIComponent).join("/")}`;

  /** Calls the API below the repository. @param what  What is asked for, as it follows "cannot". */
  async function ask(what: string, request: Request): Promise<HttpReply> {
    const reply = await http({ ...request, path: root + request.path });
    if (reply.status >= 300) throw refused(reply, what, place);
    return reply;
  }
  const get = async <T>(what: string, path: string, schema: z.ZodType<T>) =>
    answerOf(await ask(what, { method: "GET", path }), schema);

  /** Reads a list to its end, or up to what may be told from it. @param last  Ends it early. */
  async function list<T>(
    what: string,
    path: string,
    schema: z.ZodType<T[]>,
    last: (found: T[]) => boolean = () => false,
  ): Promise<T[]> {
    const found: T[] = [];
    for (let page = 1; found.length < MOST_ENTRIES; page++) {
      const query = `${path.includes("?") ? "&" : "?"}page=${page}&limit=${PAGE}`;
      const reply = await ask(what, { method: "GET", path: path + query });
      const each = answerOf(reply, schema);
      found.push(...each);
      // A server may give fewer on a page than it was asked for, so where it does not say how many there are, only an
      // empty page is the end.
      if (each.length === 0 || found.length >= Number(reply.headers.get("x-total-count") ?? Infinity) || last(found)) break;
    }
    return found.slice(0, MOST_ENTRIES);
  }

  /**
   * Looks again for a moment at a pull request that cannot be merged: the answer is the same while the server has not
   * worked it out.
   */
  async function pull(number: number): Promise<Pull> {
    for (let attempt = 0; ; attempt++) {
      const found = pullOf(await get("read a pull request", `/pulls/${number}`, answers.Pull));
      const wait = LOOK_AGAIN_MS[attempt];
      if (found.state !== "open" || found.mergeable !== false || wait === undefined) return found;
      await sleep(wait);
    }
  }

  async function findPull(head: string, base?: string): Promise<Pull | null> {
    const isIt = (each: answers.Pull) => each.head.label === head && each.isOfHere;
    const into = base === undefined ? "" : `&base_branch=${encodeURIComponent(base)}`;
    for (const state of ["open", "closed"]) {
      const path = `/pulls?state=${state}&sort=recentupdate${into}`;
      const all = await list("list the pull requests", path, z.array(answers.Pull), (found) => found.some(isIt));
      const newest = all.filter(isIt).sort((one, other) => other.number - one.number)[0];
      if (newest) return pullOf(newest);
    }
    return null;
  }

  const mayWrite = remembered(async (login) => {
    if (login.toLowerCase() === place.owner.toLowerCase()) return true;
    const path = `/collaborators/${encodeURIComponent(login)}/permission`;
    const reply = await http({ method: "GET", path: root + path }).catch((error: unknown) => {
      // Only those who own the repository may ask for others' rights. Who cannot be told to have them, has none.
      if (error instanceof OcaptainError && error.code === "FORGE_PERMISSION") return null;
      throw error;
    });
    if (reply?.status !== 200) return false;
    return /^(write|admin|owner)$/.test(answerOf(reply, answers.Permission).permission);
  });

  return {
    place,
    pull,
    findPull,
    defaultBranch: async () => (await get("read the repository", "", answers.Repository)).default_branch,

    async createPull({ draft, title, ...rest }) {
      const json = { ...rest, title: draftTitle(title, draft) };
      const reply = await http({ method: "POST", path: `${root}/pulls`, json });
      if (reply.status === 201) return pullOf(answerOf(reply, answers.Pull));
      // Somebody was faster, or an earlier call of ours whose answer was lost.
      const there = reply.status === 409 ? await findPull(rest.head, rest.base) : null;
      if (there?.state === "open") return there;
      throw refused(reply, `open a pull request of ${rest.head} into ${rest.base}`, place);
    },

    async updatePull(number, { title, draft, body, base }) {
      const json: PullChange = { ...(body !== undefined && { body }), ...(base !== undefined && { base }) };
      if (title !== undefined || draft !== undefined) {
        const now = await pull(number);
        json.title = draftTitle(title ?? now.title, draft ?? now.isDraft);
      }
      const reply = await ask(`change pull request ${number}`, { method: "PATCH", path: `/pulls/${number}`, json });
      return pullOf(answerOf(reply, answers.Pull));
    },

    async askReviewers(number, users) {
      const [teams, people] = [users.filter((each) => each.includes("/")), users.filter((each) => !each.includes("/"))];
      if (users.length === 0) return;
      const json = { reviewers: people, team_reviewers: teams.map((each) => each.split("/").at(-1)) };
      const what = `ask ${users.join(", ")} for a review`;
      await ask(what, { method: "POST", path: `/pulls/${number}/requested_reviewers`, json });
    },

    async addLabels(number, labels) {
      if (labels.length === 0) return;
      // The server says nothing of a label that it does not know, and adds none.
      const known = new Set((await list("list the labels", "/labels", z.array(answers.Label))).map((label) => label.name));
      for (const label of labels)
        if (!known.has(label) && !(await isOfOrganisation(label)))
          await ask(`make the label ${label}`, { method: "POST", path: "/labels", json: { name: label, color: "#ededed" } });
      await ask("add labels", { method: "POST", path: `/issues/${number}/labels`, json: { labels } });
    },

    async merge(number, { commit }) {
      const now = await pull(number);
      if (now.state === "merged") return now;
      const what = `merge pull request ${number}`;
      if (now.headCommit !== commit) throw moved(what, now, commit);
      const json = { Do: (await get("read the repository", "", answers.Repository)).style, head_commit_id: commit };
      for (let attempt = 0; ; attempt++) {
        const reply = await http({ method: "POST", path: `${root}/pulls/${number}/merge`, json });
        if (reply.status < 300) return pull(number);
        const wait = LOOK_AGAIN_MS[attempt];
        // It has not worked out yet whether that goes without a conflict.
        const isTooSoon = reply.status === 405 && /try again later/i.test(reply.body.toString("utf8"));
        if (!isTooSoon || wait === undefined)
          throw refused(reply, what, place, { hint: `open ${now.url}: it says what is missing` });
        await sleep(wait);
      }
    },

    async checks(commit) {
      const found: Check[] = [];
      for (let page = 1; found.length < MOST_ENTRIES; page++) {
        const path = `/commits/${commit}/status?page=${page}&limit=${PAGE}`;
        const each = (await get(`read the checks of ${commit}`, path, answers.Statuses)).statuses;
        found.push(...each.map((status) => answers.checkOf(status, commit)));
        if (each.length === 0) break;
      }
      return found;
    },

    async reviews(number) {
      const all = await list("list the reviews", `/pulls/${number}/reviews`, z.array(answers.Review));
      const given = all.filter(({ state }) => state !== null);
      return Promise.all(
        given.map(async ({ id, author, body, at, state, isOfficial }) => ({
          ...{ id: String(id), author, body, at, state: state! },
          mayWrite: isOfficial || (await mayWrite(author)),
        })),
      );
    },

    async comments(number) {
      const reviews = await list("list the reviews", `/pulls/${number}/reviews`, z.array(answers.Review));
      const all: answers.Comment[] = [];
      for (const { id, remarks } of reviews) {
        if (remarks === 0 || all.length >= MOST_ENTRIES) continue;
        all.push(...(await get("read a review", `/pulls/${number}/reviews/${id}/comments`, answers.Comments)));
      }
      // The first remark of a conversation alone says that it is resolved.
      const resolved = new Set(all.filter(({ isResolved }) => isResolved).map(answers.placeOf));
      return Promise.all(
        all.slice(0, MOST_ENTRIES).map(async (each) => ({
          ...{ id: String(each.id), author: each.author, path: each.path || null, line: each.line || null },
          ...{ body: each.body, at: each.at, isResolved: resolved.has(answers.placeOf(each)) },
          mayWrite: await mayWrite(each.author),
        })),
      );
    },

    /**
     * Reads what a job of the forge's own actions has printed. Its number is in the check's address, where older
     * servers have one that counts anew in each run; so the job is asked whether it is of this commit.
     */
    async jobLog({ id, url }) {
      const job = url?.startsWith(place.web) ? /\/actions\/runs\/\d+\/jobs\/(\d+)$/.exec(url)?.[1] : undefined;
      if (job === undefined) return null;
      const about = await http({ method: "GET", path: `${root}/actions/jobs/${job}` });
      if (about.status !== 200 || !id.startsWith(answerOf(about, answers.Job).head_sha)) return null;
      const reply = await http({ method: "GET", path: `${root}/actions/jobs/${job}/logs`, mostBytes: 64 * MiB });
      return reply.status === 200 ? lastLines(reply.body, LOG_TAIL) : null;
    },
  };

  /** Whether the organisation that owns the repository has the label. */
  async function isOfOrganisation(label: string): Promise<boolean> {
    const reply = await http({ method: "GET", path: `/orgs/${encodeURIComponent(place.owner)}/labels?limit=${PAGE}` });
    return reply.status === 200 && answerOf(reply, z.array(answers.Label)).some((each) => each.name === label);
  }

  function moved(what: string, { headCommit, head }: Pull, commit: string): OcaptainError {
    return new OcaptainError(
      "FORGE_REFUSED",
      `cannot ${what} in ${place.owner}/${place.repo}: ${head} is at ${headCommit.slice(0, 10)}, and not at ${commit.slice(0, 10)}`,
      { hint: "ocaptain land status" },
    );
  }
}

/** A pull request as everybody sees it. A draft is never mergeable here, which says nothing of conflicts. */
function pullOf(pull: answers.Pull): Pull {
  const { number, title, body, isDraft, state, merged, head, base, mergeable } = pull;
  return {
    ...{ number, url: pull.html_url, isDraft, body },
    state: merged ? "merged" : state,
    title: isDraft ? title.replace(DRAFT, "") : title,
    ...{ head: head.label, headCommit: head.sha, base: base.label },
    mergeable: mergeable || !isDraft ? mergeable : null,
  };
}
