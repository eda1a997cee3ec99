import { pasteable } from "../output/hint.ts";
import type { Io } from "../output/io.ts";
import type { Ran, ResourceStep } from "../pulumi/run.ts";
import { showSteps } from "../pulumi/show-steps.ts";
import type { Stack } from "./stack.ts";

/** What the runs of one command have to do with one another. */
type Shown = {
  /** What was said already: an `up` says again what its preview has said. */
  said?: Set<string>;
  /** Is called when a resource is about to be changed. */
  onChange?: () => void;
};

/**
 * Runs `pulumi up`, `preview` or `destroy` on a stack, and shows on stderr what is said and done while it works.
 * @throws OcaptainError PULUMI, INTERRUPTED
 */
export async function runShown(stack: Stack, args: readonly string[], io: Io, shown: Shown = {}): Promise<Ran> {
  const { said = new Set<string>(), onChange } = shown;
  const show = showSteps(io.steps);
  const onStep = (step: ResourceStep) => {
    if (!LOOKS.has(step.op)) onChange?.();
    show(step);
  };
  // What the engine does first, it does not tell.
  io.steps.status(`  … pulumi ${args[0]}`);
  try {
    return await stack.pulumi(args, {
      signal: io.signal,
      // In a preview nothing is made.
      onStep: args[0] === "preview" ? undefined : onStep,
      onSaid: ({ severity, message }) => {
        // Errors are told when it ends.
        const text = pasteable(message);
        if (severity === "error" || said.has(text)) return;
        said.add(text);
        io.note(severity === "warning" ? `warning: ${text}` : text);
      },
    });
  } finally {
    io.steps.status("");
  }
}

/** The steps that change no resource. */
const LOOKS = new Set(["read", "refresh", "same"]);

/** Runs `pulumi up` on a stack without a question. */
export const runUp = (stack: Stack, io: Io, shown: Shown): Promise<Ran> =>
  runShown(stack, ["up", "--yes", "--skip-preview"], io, shown);
