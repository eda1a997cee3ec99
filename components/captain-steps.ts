import { type CustomResourceOptions, type Input, output } from "@pulumi/pulumi";

/** Shell commands that the captain's own configuration runs on the captain's machine. They never come from a plan. */
export type CaptainSteps = { onSail?: string | undefined; onSink?: string | undefined };
type Command = typeof import("@pulumi/command/local/command.js")["Command"];
/** The environment that a step gets; VOYAGE is the voyage's id. */
export type StepFacts = Record<"VOYAGE" | "STACK" | "BRANCH", Input<string>>;

/**
 * Makes the resources that run the captain's commands, by @pulumi/command; resolves to null when there is no command.
 * @pulumi/command is loaded only where there is one: the plugin behind it is not on every machine, and a voyage without
 * commands must not need it.
 */
export async function captainSteps({ onSail, onSink }: CaptainSteps) {
  if (!onSail && !onSink) return null;
  const { Command } = await import("@pulumi/command/local/index.js");
  return {
    /**
     * Runs `onSail` when every ship is ready: at the first `up`, and again whenever the command, the plan or a VM has
     * changed.
     */
    sail: (facts: StepFacts & { SHIPS: Input<string> }, again: Input<string>[], opts: CustomResourceOptions) =>
      onSail ? new Command("on-sail", { ...step(facts), create: inFolder(onSail), triggers: again }, opts) : null,
    /**
     * Runs `onSink` at a destroy. Ships depend on this resource, so it runs when they are gone and their work is home,
     * while the voyage's folder is still there.
     */
    sink: (facts: StepFacts, opts: CustomResourceOptions): InstanceType<Command> | null =>
      onSink ? new Command("on-sink", { ...step(facts), create: ":", delete: inFolder(onSink) }, opts) : null,
  };
}
export type StepResources = NonNullable<Awaited<ReturnType<typeof captainSteps>>>;

const step = (environment: Record<string, Input<string>>) => ({
  environment: output(environment),
  interpreter: ["/bin/sh", "-c"],
});

/**
 * The command with WORKSPACE set before it. The shell works out the folder's path, so that no path of this machine gets
 * into state.
 */
const inFolder = (command: string) =>
  `WORKSPACE="\${OCAPTAIN_VOYAGES:-$HOME/voyages}/$STACK/workspace"; export WORKSPACE\n${command}`;
