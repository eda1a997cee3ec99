import { plainJson } from "../../lib/base/text.ts";
import { type LandResult, landVoyage } from "../landing/land/land.ts";
import { type LandOptions, readOptions } from "../landing/land/options.ts";
import { parts } from "../landing/land/parts.ts";
import { short } from "../landing/land/standing.ts";
import type { Io } from "../output/io.ts";
import { chooseVoyage } from "../target/choose-voyage.ts";
import { landStatus } from "./land-status.ts";

/**
 * `ocaptain land [voyage]` brings the voyage's branch to where its repository came from, as a pull request.
 * @returns the exit status: 1 where the person has said no
 */
export async function land(name: string | undefined, options: LandOptions, io: Io): Promise<number> {
  const ask = readOptions(options);
  const voyage = await chooseVoyage(name);
  const result = await landVoyage(voyage, ask, parts(voyage, ask.allowed, io), io);
  if (result === null) {
    io.note("nothing was changed");
    return 1;
  }
  if (io.json) io.out(plainJson(asJson(result), 2));
  else for (const line of told(result)) io.out(line);
  if (options.watch && result.outcome !== "would") return landStatus(voyage.file.voyageId, { watch: true }, io);
  return 0;
}

function asJson(result: LandResult): object {
  const { stack, isVerified, heads, pulls, ...others } = result;
  return {
    ...{ voyage: stack, ...others, verified: isVerified },
    pushed: heads.map(({ branch, head, base, isNew, wave }) => ({
      branch,
      head,
      base,
      isNew,
      ...(wave !== undefined && { wave }),
    })),
    pulls: pulls.map(({ pull: { number, url, state, isDraft }, head, news }) => ({
      number,
      url,
      state,
      isDraft,
      branch: head.branch,
      news,
    })),
  };
}

function told(result: LandResult): string[] {
  const { outcome, stack, remote, base, heads, pulls, said } = result;
  if (outcome === "would") return ["nothing was changed: this is what would happen"];
  if (outcome === "in-base") return [`${base} of ${remote} holds all of ${stack}: nothing is left to land`];
  const fresh = heads.filter(({ isNew }) => isNew);
  const branches = heads.map(({ branch }) => branch).join(", ");
  if (outcome === "pushed")
    return [
      fresh.length > 0
        ? `pushed to ${remote}: ${branches}`
        : `${branches} at ${remote} is at ${short(heads.at(-1)!.head)} already`,
      ...(said ? [said] : /^https?:/.test(remote) ? [`a pull request is made there: ${remote.replace(/\.git$/, "")}`] : []),
    ];
  return pulls.map(
    ({ pull, head, news }) => `${pull.url}  ${NEWS[news]}, ${pull.isDraft ? "a draft" : pull.state}, ${head.branch}`,
  );
}

const NEWS = {
  made: "made",
  updated: "updated",
  "as it was": "as it was",
  closed: "was closed by somebody, and is left so",
  merged: "merged",
};
