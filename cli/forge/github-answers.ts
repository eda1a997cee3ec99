import { z } from "zod";
import { commit, link, name, number, person, statusId, text, when, words } from "./bounded.ts";
import type { Check, Pull as ForgePull, Review as ForgeReview, ReviewComment } from "./forge.ts";

// The answers of GitHub's API, as far as they are read.

const Branch = z.looseObject({ ref: name, sha: commit });

export const Pull = z.looseObject({
  number,
  node_id: text(200),
  html_url: link.transform((said) => said ?? ""),
  state: z.enum(["open", "closed"]),
  title: text(1024),
  body: words,
  draft: z
    .boolean()
    .nullish()
    .transform((said) => said === true),
  merged_at: when,
  /** Missing in lists, and null until GitHub has worked it out. */
  mergeable: z
    .boolean()
    .nullish()
    .transform((said) => said ?? null),
  head: Branch,
  base: Branch,
});

export const pullOf = ({
  number,
  html_url,
  state,
  title,
  body,
  draft,
  merged_at,
  mergeable,
  head,
  base,
}: z.infer<typeof Pull>): ForgePull => ({
  ...{ number, url: html_url, title, body, isDraft: draft, mergeable },
  state: merged_at ? "merged" : state,
  ...{ head: head.ref, headCommit: head.sha, base: base.ref },
});

const isAllowed = z.boolean().nullish();
/** How a repository merges: by a merge commit where that is allowed, or where it does not say. */
export const Repository = z
  .looseObject({
    default_branch: name,
    allow_merge_commit: isAllowed,
    allow_squash_merge: isAllowed,
    allow_rebase_merge: isAllowed,
  })
  .transform(({ default_branch, allow_merge_commit, allow_squash_merge, allow_rebase_merge }) => ({
    default_branch,
    method:
      allow_merge_commit !== false
        ? ("merge" as const)
        : allow_rebase_merge
          ? ("rebase" as const)
          : allow_squash_merge === false
            ? ("merge" as const)
            : ("squash" as const),
  }));

export const Permission = z.looseObject({ permission: name });
export const Annotation = z.looseObject({ path: text(1024), start_line: number, message: text(2000) });

const STATES: Record<string, ForgeReview["state"]> = {
  APPROVED: "approved",
  CHANGES_REQUESTED: "changes-requested",
  COMMENTED: "commented",
  DISMISSED: "dismissed",
};
/** A review. Its state is null where its author is writing it still. */
export const Review = z
  .looseObject({ id: number, user: person, state: name, body: words, submitted_at: when })
  .transform(({ id, user, state, body, submitted_at }) => ({
    ...{ id: String(id), author: user, body, at: submitted_at },
    state: STATES[state] ?? null,
  }));

export const CheckRun = z.looseObject({
  id: number,
  name,
  status: name,
  conclusion: name,
  html_url: link,
  app: z.looseObject({ slug: name }).nullish(),
  output: z.looseObject({ title: text(500), summary: text(2000) }).nullish(),
});
const CONCLUSIONS: Record<string, Check["state"]> = {
  success: "success",
  neutral: "neutral",
  skipped: "neutral",
  stale: "neutral",
};
export const checkOfRun = ({ id, name, status, conclusion, html_url, app, output }: z.infer<typeof CheckRun>): Check => ({
  ...{ name, url: html_url, summary: output?.title || output?.summary || null },
  // What was cancelled, or ran out of time, counts for GitHub as failed, too.
  state: status === "completed" ? (CONCLUSIONS[conclusion] ?? "failure") : "pending",
  // A job of GitHub's own actions has the number of its check.
  id: `${app?.slug === "github-actions" ? "job" : "run"}:${id}`,
});

export const Status = z.looseObject({ context: name, state: name, target_url: link, description: text(2000) });
export const checkOfStatus = ({ context, state, target_url, description }: z.infer<typeof Status>, of: string): Check => ({
  ...{ name: context, url: target_url, summary: description || null, id: statusId(of, context) },
  state: state === "success" || state === "pending" ? state : "failure",
});

/** Only the other API says whether a conversation is resolved. */
export const THREADS = `query($owner: String!, $repo: String!, $number: Int!, $after: String) {
  repository(owner: $owner, name: $repo) { pullRequest(number: $number) { reviewThreads(first: 50, after: $after) {
    pageInfo { hasNextPage endCursor }
    nodes { isResolved path line originalLine comments(first: 20) { nodes { databaseId author { login } body createdAt } } }
  } } }
}`;

export type Remark = Omit<ReviewComment, "mayWrite">;
const Thread = z
  .looseObject({
    isResolved: z.boolean(),
    path: text(4096),
    line: number.nullish(),
    originalLine: number.nullish(),
    comments: z.looseObject({
      nodes: z.array(z.looseObject({ databaseId: number.nullish(), author: person, body: words, createdAt: when })),
    }),
  })
  .transform(({ isResolved, path, line, originalLine, comments }): Remark[] =>
    comments.nodes.map(({ databaseId, author, body, createdAt }) => ({
      ...{ id: String(databaseId ?? 0), author, body, at: createdAt, isResolved },
      ...{ path: path || null, line: line ?? originalLine ?? null },
    })),
  );
export const Threads = z
  .looseObject({
    repository: z.looseObject({
      pullRequest: z.looseObject({
        reviewThreads: z.looseObject({
          pageInfo: z.looseObject({ hasNextPage: z.boolean(), endCursor: z.string().max(1000).nullish() }),
          nodes: z.array(Thread),
        }),
      }),
    }),
  })
  .transform(
    ({
      repository: {
        pullRequest: {
          reviewThreads: { pageInfo, nodes },
        },
      },
    }) => ({
      remarks: nodes.flat(),
      next: pageInfo.hasNextPage ? (pageInfo.endCursor ?? null) : null,
    }),
  );
