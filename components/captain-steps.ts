import { type CustomResourceOptions, type Input, output } from "@pulumi/pulumi";

/** Shell commands that the captain's own configuration has to run on the captain's machine. They never come from a plan. */
export type CaptainSteps = { onSail?: string | undefined; onSink?: string | undefined };
type Command = typeof import("@pulumi/command/local/command.js")["Command"];
/** The environment of a step; VOYAGE is the voyage's id. */
export type StepFacts = Record<"VOYAGE" | "STACK" | "BRANCH", Input<string>>;

/**
 * The voyage's local commands, by @pulumi/command; null when there is none. The module is loaded only where there is a step: the plugin behind
 * it is not on every machine, and a voyage without steps must not need it.
 */
export async function captainSteps({ onSail, onSink }: CaptainSteps) {
  if (!onSail && !onSink) return null;
  const { Command } = await import("@pulumi/command/local/index.js");
  return {
    /** Runs when every ship is ready: at the first `up`, and again whenever the command, the plan or a VM has changed. */
    sail: (facts: StepFacts & { SHIPS: Input<string> }, again: Input<string>[], opts: CustomResourceOptions) =>
      onSail ? new Command("on-sail", { ...step(facts), create: inFolder(onSail), triggers: again }, opts) : null,
    /** Runs at a destroy. Ships depend on it, so it runs when they are gone and their work is home, while the voyage's folder is still there. */
    sink: (facts: StepFacts, opts: CustomResourceOptions): InstanceType<Command> | null =>
      onSink ? new Command("on-sink", { ...step(facts), create: ":", delete: inFolder(onSink) }, opts) : null,
  };
}
export type StepResources = NonNullable<Awaited<ReturnType<typeof captainSteps>>>;

const step = (environment: Record<string, Input<string>>) => ({
  environment: output(environment),
  interpreter: ["/bin/sh", "-c"],
});

/** The command with WORKSPACE set. The shell finds the folder's place, so that no path of this machine is in state. */
const inFolder = (command: string) =>
  `WORKSPACE="\${OCAPTAIN_VOYAGES:-$HOME/voyages}/$STACK/workspace"; export WORKSPACE\n${command}`;
