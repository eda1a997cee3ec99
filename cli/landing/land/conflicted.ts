import { OcaptainError } from "../../../lib/base/errors.ts";
import { firstLine } from "../../../lib/base/text.ts";
import type { KnownVoyage } from "../../../lib/watch/known.ts";
import type { Intention } from "./intend.ts";
import type { Record } from "./record.ts";
import type { Update } from "./update.ts";

/** What a landing ends with whose base is in conflict with the voyage. */
export async function conflicted(
  { folder }: KnownVoyage,
  { base, place }: Intention,
  { files }: Extract<Update, { kind: "conflict" }>,
  _record: Record,
): Promise<OcaptainError> {
  const named = files.slice(0, 5).map(firstLine).join(", ");
  return new OcaptainError(
    "CONFLICT",
    `${base.branch} has moved on, and is in conflict with the voyage in ${named}; nothing was pushed`,
    {
      hint: `git -C ${folder.workspace} pull --no-rebase ${place.address} ${base.branch}  # settle it there, commit, git push; then land again`,
    },
  );
}
