import type { KnownVoyage } from "../../../lib/watch/known.ts";
import { openForgeOf } from "../../forge/of-voyage.ts";
import type { Io } from "../../output/io.ts";
import { collectReport } from "../../report/facts/collect.ts";
import type { ReportFacts } from "../../report/facts/facts.ts";
import { guardOf } from "../look/guard.ts";
import { mergeBody, roomTaken } from "../pull/edit.ts";
import { pullText } from "../pull/text.ts";
import type { LandParts } from "./land.ts";

/** The most characters of a pull request's text at GitHub; the others bound it by no number that matters. */
const MOST_BODY = 65_536;

/**
 * The parts of other rooms with which a voyage is landed.
 * @param allowed  the fingerprints of what is pushed all the same, though it looks as if it should not be
 */
export function parts(voyage: KnownVoyage, allowed: readonly string[], io: Pick<Io, "note" | "signal">): LandParts {
  const guard = guardOf(voyage, allowed, io);
  let facts: Promise<ReportFacts> | undefined;
  return {
    openForge: (ask) => openForgeOf(voyage, ask),
    async textOf({ head, heads, how, tip, isVerified, old, known }) {
      facts ??= collectReport(voyage).then(guard.clean);
      const { wave, tasks = [] } = head;
      const pulls = known.flatMap(({ pull: { number, url }, head: { wave: of } }) =>
        of === undefined ? [] : [{ wave: of, number, url }],
      );
      const text = pullText(await facts, {
        ...{ how, unverified: !isVerified, verifiedCommit: isVerified ? tip : null, limit: MOST_BODY - roomTaken(old) },
        ...(wave !== undefined && { part: { wave, of: heads.length, tasks, pulls } }),
      });
      return { title: text.title, body: mergeBody(old, text.body) };
    },
    look: ({ from, heads, history }) => guard.look({ from, heads, history }),
  };
}
