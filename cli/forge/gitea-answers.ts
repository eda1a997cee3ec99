import { z } from "zod";
import { commit, link, name, number, person, statusId, text, when, words } from "./bounded.ts";
import type { Check, Review as ForgeReview } from "./forge.ts";

// The answers of Gitea's and Forgejo's API, as far as they are read.

const Branch = z.looseObject({
  /** The branch's name. `ref` is another where the branch was deleted. */
  label: name,
  sha: commit
    .or(z.literal(""))
    .nullish()
    .transform((said) => said ?? ""),
  repo_id: z.int().nullish(),
});

export const Pull = z
  .looseObject({
    number,
    html_url: link.transform((said) => said ?? ""),
    state: z.enum(["open", "closed"]),
    title: text(1024),
    body: words,
    draft: z.boolean().nullish(),
    merged: z.boolean(),
    mergeable: z.boolean(),
    head: Branch,
    base: Branch,
  })
  .transform(({ draft, ...rest }) => ({
    ...rest,
    isDraft: draft === true,
    /** Whether its branch is in the repository itself, and not in somebody's fork, which may name it the same. */
    isOfHere: rest.head.repo_id === rest.base.repo_id,
  }));
export type Pull = z.infer<typeof Pull>;

/** How a repository merges: what it prefers, if that is one of the ways that end by themselves. */
export const Repository = z
  .looseObject({ default_branch: name, default_merge_style: name })
  .transform(({ default_branch, default_merge_style: style }) => ({
    default_branch,
    style: /^(merge|rebase|rebase-merge|squash|fast-forward-only)$/.test(style) ? style : "merge",
  }));

export const Permission = z.looseObject({ permission: name });
export const Label = z.looseObject({ name });
export const Job = z.looseObject({ head_sha: commit });

const STATES: Record<string, ForgeReview["state"]> = {
  APPROVED: "approved",
  REQUEST_CHANGES: "changes-requested",
  COMMENT: "commented",
};
/** A review. Its state is null where it was not given yet: somebody was asked, or is writing still. */
export const Review = z
  .looseObject({
    id: number,
    user: person,
    state: name,
    body: words,
    official: z.boolean().nullish(),
    dismissed: z.boolean().nullish(),
    comments_count: number.nullish(),
    submitted_at: when,
  })
  .transform(({ id, user, state, body, official, dismissed, comments_count, submitted_at }) => ({
    ...{ id, author: user, body, at: submitted_at, remarks: comments_count ?? 0, isOfficial: official === true },
    state: STATES[state] && dismissed ? ("dismissed" as const) : (STATES[state] ?? null),
  }));

export const Comments = z.array(
  z
    .looseObject({
      id: number,
      user: person,
      resolver: z.looseObject({}).nullish(),
      pull_request_review_id: number.nullish(),
      body: words,
      path: text(4096),
      position: number.nullish(),
      original_position: number.nullish(),
      created_at: when,
    })
    .transform(({ id, user, resolver, pull_request_review_id, body, path, position, original_position, created_at }) => ({
      ...{ id, author: user, body, path, at: created_at, review: pull_request_review_id ?? 0, isResolved: resolver != null },
      line: position || original_position || 0,
    })),
);
export type Comment = z.infer<typeof Comments>[number];

/** The conversation that a remark is part of. */
export const placeOf = ({ review, path, line }: Comment) => JSON.stringify([review, path, line]);

const Status = z.looseObject({ context: name, status: name, target_url: link, description: text(2000) });
export const Statuses = z.looseObject({
  statuses: z
    .array(Status)
    .nullish()
    .transform((said) => said ?? []),
});

const CHECKS: Record<string, Check["state"]> = {
  pending: "pending",
  success: "success",
  failure: "failure",
  error: "failure",
  warning: "neutral",
  skipped: "neutral",
};
/** A check of a commit. One that runs again keeps its id. */
export const checkOf = ({ context, status, target_url, description }: z.infer<typeof Status>, of: string): Check => ({
  ...{ name: context, state: CHECKS[status] ?? "pending", url: target_url, summary: description || null },
  id: statusId(of, context),
});
