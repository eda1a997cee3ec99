import { OcaptainError } from "../../lib/base/errors.ts";
import { plainJson } from "../../lib/base/text.ts";
import { exportLines, shellEnvironment } from "../../tools/environment.mjs";
import type { Io } from "../output/io.ts";
import { shell } from "../shell.ts";

const SHELLS = ["bash", "zsh", "sh", "fish"];

/**
 * `ocaptain env` prints lines for the user's shell, which puts `ocaptain` and its `pulumi` on the PATH, and sets
 * nothing that Pulumi reads. Changes nothing.
 * @throws OcaptainError USAGE for a shell that it has no lines for
 */
export async function env({ shell: kind = "sh" }: { shell?: string }, io: Io): Promise<void> {
  if (!SHELLS.includes(kind))
    throw new OcaptainError("USAGE", `there are no lines for the shell "${kind}", but for ${SHELLS.join(", ")}`, {
      hint: "ocaptain env --json",
    });
  const variables = shellEnvironment(shell);
  if (io.json) return io.out(plainJson(variables, 2));
  io.out(exportLines(variables, kind).join("\n"));
  const load = kind === "fish" ? "ocaptain env --shell fish | source" : 'eval "$(ocaptain env)"';
  if (io.columns !== undefined) io.note(`# nothing is changed yet; to load these lines: ${load}`);
}
