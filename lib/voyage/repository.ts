import { existsSync } from "node:fs";
import { OcaptainError } from "../base/errors.ts";
import { asideFolder, voyageFolder } from "../base/paths.ts";
import { begunFrom } from "../git/base.ts";
import { type Repository, repositoryOf, sharesHistory } from "../git/same-history.ts";
import { addressOf, readSource, type Source } from "../git/voyage-repo.ts";
import { readVoyageIdentity, type VoyageIdentity, writeVoyageIdentity } from "./identity.ts";

/** The voyage whose repository is compared. */
type Voyage = Pick<VoyageIdentity, "voyageId" | "stack" | "sunkAt" | "repository">;

/**
 * Finds the repository of a voyage that is at sea, or has sunk and may go on. Returns null when nothing of its
 * repository is in its folder yet.
 */
export async function boundRepository(voyage: Voyage): Promise<Repository | null> {
  const folder = voyageFolder(voyage.stack);
  if (!existsSync(folder.repo)) return null;
  return voyage.repository ?? (await repositoryOf(folder, voyage.stack));
}

/** How the repository that the configuration names now relates to the voyage's own. */
export type Standing =
  /** The voyage's own. `source` is null when there is no repository at all. */
  | { is: "the same"; source: Source | null }
  /** The same history at another address. */
  | { is: "moved"; from: string }
  /** The voyage's own address, which cannot be read now. That is no error, since the voyage has its own copy. */
  | { is: "out of reach"; why: OcaptainError };

/**
 * Tells how the repository `repo` relates to the voyage's own. A voyage is bound to the history of its repository,
 * which may by now be at another address. Changes nothing, and takes about `options.timeoutMs` at most.
 *
 * @throws OcaptainError ANOTHER_REPOSITORY, with the ways out, when the history is another or cannot be compared;
 *   REPO_UNREADABLE or REPO_URL_SECRET for a new address
 */
export async function standingOf(
  voyage: Voyage,
  bound: Repository,
  repo: string,
  options: { token: string | undefined; timeoutMs: number },
): Promise<Standing> {
  const isSame = addressOf(repo) === bound.address;
  if (repo === "" || bound.address === "") {
    if (isSame) return { is: "the same", source: null };
    throw anotherRepository(voyage, bound, repo, "of which one is none");
  }
  const end = Date.now() + options.timeoutMs;
  let source: Source;
  try {
    source = await readSource(repo, options);
  } catch (error) {
    if (isSame && error instanceof OcaptainError && error.code === "REPO_UNREADABLE") return { is: "out of reach", why: error };
    throw error;
  }
  // A voyage that began with an empty repository has no history that could be looked for.
  const shares =
    bound.roots.length === 0
      ? isSame
      : await sharesHistory(voyageFolder(voyage.stack), bound.roots, source, Math.max(1_000, end - Date.now()));
  if (shares === false) throw anotherRepository(voyage, bound, repo, "which has no commit in common with it");
  if (isSame) return { is: "the same", source };
  if (shares === null)
    throw anotherRepository(voyage, bound, repo, "and whether it has the same history could not be told in time");
  return { is: "moved", from: bound.address };
}

/**
 * Makes sure that a voyage which goes on has begun from the `base` that is named now: its branch is never moved to
 * another.
 * @throws OcaptainError ANOTHER_BASE, with the ways out
 */
export async function assertBase(voyage: Voyage, base: string): Promise<void> {
  const { voyageId, stack } = voyage;
  const begun = await begunFrom(voyageFolder(stack).repo);
  if (begun === base) return;
  throw new OcaptainError(
    "ANOTHER_BASE",
    `voyage ${voyageId} of stack "${stack}" has begun from ${begun ? `"${begun}"` : "its repository's HEAD"}, and ocaptain:base is "${base}" now; a branch that sails is not moved`,
    {
      hint: waysOut(
        voyage,
        `go on as it is: pulumi config ${begun ? `set ocaptain:base ${begun}` : "rm ocaptain:base"} -s ${stack}`,
      ),
    },
  );
}

function anotherRepository({ voyageId, stack, sunkAt }: Voyage, bound: Repository, repo: string, why: string): OcaptainError {
  const root = bound.roots[0] ? `, whose history begins with ${bound.roots[0].slice(0, 12)}` : "";
  return new OcaptainError(
    "ANOTHER_REPOSITORY",
    `voyage ${voyageId} of stack "${stack}" works on ${bound.address ? `"${bound.address}"` : "no repository"}${root}; named now is ${repo ? `"${repo}"` : "none"}, ${why}`,
    { hint: waysOut({ voyageId, stack, sunkAt }, backTo(bound, stack)) },
  );
}

const backTo = ({ address }: Repository, stack: string) =>
  address
    ? `go on with the voyage's own: pulumi config set ocaptain:repo ${address} -s ${stack}`
    : `go on without: pulumi config rm ocaptain:repo -s ${stack}`;

/**
 * Writes the hint for a setting that does not fit the voyage in a folder: to take another stack, to go `back` to the
 * old setting, or to begin anew.
 */
export function waysOut({ voyageId, stack, sunkAt }: Voyage, back: string): string {
  const sink = sunkAt ? "" : `pulumi destroy -s ${stack}, then `;
  return `another stack: pulumi stack init; or ${back}; or begin anew (the old folder is kept as ${asideFolder(stack, voyageId)}): ${sink}pulumi config set ocaptain:beginAnew ${voyageId} -s ${stack}`;
}

/** Writes the repository at `address` into the voyage's file, when it has none yet or its address has changed. */
export async function recordRepository(stack: string, address: string): Promise<void> {
  const voyage = await readVoyageIdentity(stack);
  if (!voyage) return;
  const { roots } = voyage.repository ?? (await repositoryOf(voyageFolder(stack), stack));
  if (voyage.repository?.address !== address) await writeVoyageIdentity({ ...voyage, repository: { address, roots } });
}
