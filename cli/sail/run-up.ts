import { pasteable } from "../output/hint.ts";
import type { Io } from "../output/io.ts";
import type { Ran } from "../pulumi/run.ts";
import { showSteps } from "../pulumi/show-steps.ts";
import type { Stack } from "./stack.ts";

/**
 * Runs `pulumi up`, `preview` or `destroy` on a stack, and shows on stderr what is said and done while it works.
 * @throws OcaptainError PULUMI, INTERRUPTED
 */
export async function runShown(stack: Stack, args: readonly string[], io: Io): Promise<Ran> {
  const shown = new Set<string>();
  try {
    return await stack.pulumi(args, {
      signal: io.signal,
      // In a preview nothing is made.
      onStep: args[0] === "preview" ? undefined : showSteps(io.steps),
      onSaid: ({ severity, message }) => {
        // What a preview has said, the run after it says again. Errors are told when it ends.
        const text = pasteable(message);
        if (severity === "error" || shown.has(text)) return;
        shown.add(text);
        io.note(severity === "warning" ? `warning: ${text}` : text);
      },
    });
  } finally {
    io.steps.status("");
  }
}

/** Runs `pulumi up` on a stack without a question. */
export const runUp = (stack: Stack, io: Io): Promise<Ran> => runShown(stack, ["up", "--yes", "--skip-preview"], io);
