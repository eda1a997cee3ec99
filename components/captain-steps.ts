import { type CustomResourceOptions, type Input, output } from "@pulumi/pulumi";

/** What the captain's own configuration has to run on the captain's machine; never from a plan. */
export type CaptainSteps = { onSail?: string | undefined; onSink?: string | undefined };
type Command = typeof import("@pulumi/command/local/command.js")["Command"];
/** What a step is told, as environment; VOYAGE is the voyage's id. */
export type StepFacts = Record<"VOYAGE" | "STACK" | "BRANCH", Input<string>>;

/**
 * The voyage's local commands, by @pulumi/command. Its module is loaded only where there is a step: the plugin behind it is not on every machine, and a
 * voyage without steps must not need it.
 */
export async function captainSteps({ onSail, onSink }: CaptainSteps) {
  if (!onSail && !onSink) return null;
  const { Command } = await import("@pulumi/command/local/index.js");
  return {
    /** When every ship is ready: at the first `up`, and whenever the command, the plan or a VM is another. */
    sail: (facts: StepFacts & { SHIPS: Input<string> }, again: Input<string>[], opts: CustomResourceOptions) =>
      onSail ? new Command("on-sail", { ...step(facts), create: inFolder(onSail), triggers: again }, opts) : null,
    /** At destroy; ships depend on it, so it runs when they are gone and their work is home, while the voyage's folder is still there. */
    sink: (facts: StepFacts, opts: CustomResourceOptions): InstanceType<Command> | null =>
      onSink ? new Command("on-sink", { ...step(facts), create: ":", delete: inFolder(onSink) }, opts) : null,
  };
}
export type StepResources = NonNullable<Awaited<ReturnType<typeof captainSteps>>>;

const step = (environment: Record<string, Input<string>>) => ({
  environment: output(environment),
  interpreter: ["/bin/sh", "-c"],
});

/** The folder's place is the shell's to say: no path of this machine is in state (design 16). */
const inFolder = (command: string) =>
  `WORKSPACE="\${OCAPTAIN_VOYAGES:-$HOME/voyages}/$STACK/workspace"; export WORKSPACE\n${command}`;
