import { z } from "zod";

/** The kinds of servers on which a voyage may land; `git` is any server without an API that is known here. */
export const ForgeKind = z.enum(["github", "gitea", "forgejo", "git"]);
export type ForgeKind = z.infer<typeof ForgeKind>;

/**
 * The captain's own words about the forge that a voyage lands on, where its address does not tell: a kind, or a kind
 * with where its pages are, as in `gitea=https://git.example.com:3000`. `git` is a server that is only pushed to.
 */
export const ForgeSetting = z.string().transform((text, context) => {
  const [name, web] = text.split(/=(.*)/s);
  const kind = ForgeKind.options.find((each) => each === name);
  const url = web === undefined ? undefined : URL.parse(web);
  const isAddress = url && /^https?:$/.test(url.protocol) && ![url.username, url.password, url.search, url.hash].some(Boolean);
  if (kind && web === undefined) return { kind };
  if (kind && isAddress) return { kind, web: web?.replace(/\/+$/, "") };
  context.addIssue(
    `must be ${ForgeKind.options.join(", ")}, or one of these with its address, as in gitea=https://git.example.com`,
  );
  return z.NEVER;
});
