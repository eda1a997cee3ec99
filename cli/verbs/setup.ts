import { OcaptainError } from "../../lib/base/errors.ts";
import { loadCommand } from "../../lib/base/set-up-command.ts";
import { plainJson } from "../../lib/base/text.ts";
import { setup } from "../../tools/setup.mjs";
import type { Io } from "../output/io.ts";

/**
 * `ocaptain setup` makes what this machine lacks, as `npm run setup` does in a checkout, or the named parts alone.
 * Progress goes to stderr, where each part came from to stdout.
 * @throws OcaptainError USAGE for a part that there is not
 */
export async function setUp(parts: readonly string[], io: Io): Promise<void> {
  const rows = await setup({ names: [...parts], table: false }).catch((error: unknown) => {
    if (!(error instanceof RangeError)) throw error;
    throw new OcaptainError("USAGE", error.message, { hint: "ocaptain setup --help" });
  });
  if (io.json) return io.out(plainJson(rows, 2));
  for (const { part, version, from } of rows) io.out(`${part.padEnd(17)}${version.padEnd(14)}${from}`);
  io.note(`ready; for pulumi in this shell: ${loadCommand()}`);
}
