import { existsSync } from "node:fs";
import { OcaptainError } from "../base/errors.ts";
import { voyageFolder } from "../base/paths.ts";
import { type Repository, repositoryOf, sharesHistory } from "../git/same-history.ts";
import { addressOf, readSource, type Source } from "../git/voyage-repo.ts";
import { readVoyageIdentity, type VoyageIdentity, writeVoyageIdentity } from "./identity.ts";
import { asideFolder } from "./put-aside.ts";

/** Whose repository is compared. */
type Voyage = Pick<VoyageIdentity, "voyageId" | "stack" | "sunkAt" | "repository">;

/** What a voyage under way, or one that has sunk and may go on, works on. null: nothing of its repository is there yet. */
export async function boundRepository(voyage: Voyage): Promise<Repository | null> {
  const folder = voyageFolder(voyage.stack);
  if (!existsSync(folder.repo)) return null;
  return voyage.repository ?? (await repositoryOf(folder, voyage.stack));
}

/** How the repository that is named now stands to the voyage's. */
export type Standing =
  | { is: "the same"; source: Source | null }
  /** Another address of the same history. */
  | { is: "moved"; from: string }
  /** At the voyage's own address, and it cannot be read: the voyage needs it no more. */
  | { is: "out of reach"; why: OcaptainError };

/**
 * A voyage is bound to its repository: by its history, wherever that is by now. Bounded; changes nothing.
 * @throws OcaptainError ANOTHER_REPOSITORY with the ways out; REPO_UNREADABLE, REPO_URL_SECRET of a new address
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
  // What began with nothing has no history that could be looked for.
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

/** Of what does not fit the voyage that a folder holds: another stack, back to the old, or another voyage in its place. */
export function waysOut({ voyageId, stack, sunkAt }: Voyage, back: string): string {
  const sink = sunkAt ? "" : `pulumi destroy -s ${stack}, then `;
  return `another stack: pulumi stack init; or ${back}; or begin anew (the old folder is kept as ${asideFolder(stack, voyageId)}): ${sink}pulumi config set ocaptain:beginAnew ${voyageId} -s ${stack}`;
}

/** Writes down what the voyage works on: when its repository was made, and when its address is another by now. */
export async function recordRepository(stack: string, address: string): Promise<void> {
  const voyage = await readVoyageIdentity(stack);
  if (!voyage) return;
  const { roots } = voyage.repository ?? (await repositoryOf(voyageFolder(stack), stack));
  if (voyage.repository?.address !== address) await writeVoyageIdentity({ ...voyage, repository: { address, roots } });
}
