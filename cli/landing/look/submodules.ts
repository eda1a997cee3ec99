import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type GitConfig, git } from "../../../lib/git/run.ts";
import type { Introduced } from "./introduced.ts";

/** How long one address may take to say whether it has a commit, and how many are asked. */
const ASK_MS = 30_000;
const MOST_ASKED = 20;

/** Nothing but these ways is used for an address that stands in a repository. */
const WAYS: GitConfig = [
  ["protocol.allow", "never"],
  ["protocol.https.allow", "always"],
  ["protocol.http.allow", "always"],
  ["protocol.ssh.allow", "always"],
];

type Ask = { gitDir: string; to: string; submodules: readonly Introduced[]; remote?: string; signal?: AbortSignal };

/**
 * The submodules of a push whose commit nobody will find: they have no address, or that has no such commit. An address
 * that cannot be asked is told as such: whether it has the commit is not known.
 */
export async function submodulesWithout({
  gitDir,
  to,
  submodules,
  remote,
  signal,
}: Ask): Promise<(Introduced & { why: string })[]> {
  if (submodules.length === 0) return [];
  const addresses = await addressesIn(gitDir, to);
  const found: (Introduced & { why: string })[] = [];
  for (const [index, each] of submodules.entries()) {
    signal?.throwIfAborted();
    const address = addresses.get(each.path);
    const short = each.blob.slice(0, 12);
    if (address === undefined) {
      found.push({
        ...each,
        why: `a repository inside of this one (commit ${short}), of which only a pointer is pushed: .gitmodules has no address for it`,
      });
      continue;
    }
    const whole = resolved(address, remote);
    const answer = whole === null || index >= MOST_ASKED ? "unknown" : await has(whole, each.blob);
    if (answer === "no") found.push({ ...each, why: `a submodule at commit ${short}, which its address has not` });
    if (answer === "unknown")
      found.push({ ...each, why: `a submodule at commit ${short}; whether its address has that could not be asked` });
  }
  return found;
}

async function addressesIn(gitDir: string, commit: string): Promise<Map<string, string>> {
  const asked = ["config", "--blob", `${commit}:.gitmodules`, "-z", "--get-regexp", "^submodule\\..*\\.(path|url)$"];
  const settings = await git(asked, { gitDir }).catch(() => null);
  const entries = [...(settings?.stdout ?? "").matchAll(/(?:^|\0)submodule\.([^\n\0]*)\.(path|url)\n([^\0]*)/g)];
  const urls = new Map(entries.flatMap(([, name, kind, url]) => (kind === "url" ? [[name!, url!] as const] : [])));
  return new Map(
    entries.flatMap(([, name, kind, path]) => (kind === "path" && urls.has(name!) ? [[path!, urls.get(name!)!] as const] : [])),
  );
}

/** The whole address; null where it is relative and nobody knows to what, or is none that git may be given. */
function resolved(address: string, remote: string | undefined): string | null {
  if (/^(https?|ssh):\/\/[^\s-]/.test(address) || /^[\w.-]+@[\w.-]+:[^-\s]/.test(address)) return address;
  if (!/^\.\.?\//.test(address) || remote === undefined || !URL.canParse(remote)) return null;
  return new URL(address, `${remote.replace(/\/$/, "")}/`).href;
}

/** Asks an address for a commit, without anybody's credentials. */
async function has(address: string, commit: string): Promise<"yes" | "no" | "unknown"> {
  const folder = await mkdtemp(join(tmpdir(), "oc-submodule-"));
  try {
    await git(["init", "--quiet", "--bare", "--template=", folder]);
    const fetch = ["fetch", "--quiet", "--depth=1", "--filter=tree:0", "--no-tags", "--", address, commit];
    await git(fetch, { gitDir: folder, config: WAYS, timeoutMs: ASK_MS });
    return "yes";
  } catch (error) {
    return /not our ref|no such remote ref|couldn't find remote ref|unadvertised object/i.test(String(error)) ? "no" : "unknown";
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
