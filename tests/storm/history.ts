/**
 * A history of a voyage in foul weather: what the captain does, and what goes wrong meanwhile. It is plain data, so
 * that it can be printed, made smaller and played again, by the model of the engine and by the real one alike.
 */
export type History = {
  /** The number from which the generator has made the history. */
  seed: number;
  /** The voyage before the first step. */
  voyage: Setting;
  steps: Step[];
};

/** What sails at first. */
export type Setting = {
  /** The number of ships of the first `up`. */
  ships: number;
  /** The tasks that wait for each task, as in `{"1": [], "2": ["1"]}`: task 2 waits for task 1. */
  tasks: Record<string, string[]>;
  /** Whether the ships are in a tailnet. */
  tailnet: boolean;
};

export type Step = EngineStep | CaptainStep | Trouble | Relief | Pass;

/** A run of the engine. `during` are the troubles that come while it runs. */
export type EngineStep = { do: "up" | "preview" | "refresh" | "destroy"; during: { at: Moment; trouble: Trouble }[] };

/** What the captain changes. Settings and plan change only what the next `up` brings. */
export type CaptainStep =
  | { do: "scale"; ships: number }
  /** `which` counts among the tasks that there are, and wraps around. */
  | { do: "plan"; change: "add" | "edit" | "drop"; which: number }
  /** Lands what the voyage has delivered so far; a refusal is no failure. */
  | { do: "land" };

/**
 * A moment in a run of the engine, as a share of its length between 0 and 1: of its calls in the model, of its usual
 * time with the real engine. For a call that the moment falls on, `part` says whether it comes before the call has done
 * anything, or after it has done all and before its answer is known.
 */
export type Moment = { share: number; part: "before" | "after" };

/** A process that dies by SIGKILL. `engine` takes its program with it, and leaves its provider process an orphan. */
export type Victim =
  | { kind: "engine" | "provider" | "helm" | "harbor" | "sync-daemon" }
  /** A ship's supervisor, its hand, or all of its processes. */
  | { kind: "supervisor" | "hand" | "confinement"; ship: number };

/** Between whom the network is bad. Syncs and the engine's calls both go from the captain to the provider. */
export type Path = { between: "ship-helm"; ship: number } | { between: "captain-provider" };

/** Where a disk is full or a clock is wrong. */
export type Place = { on: "captain" } | { on: "ship"; ship: number };

/** What goes wrong. Ships are counted among those that there are, and the number wraps around. */
export type Trouble =
  | { do: "kill"; what: Victim }
  /** Until it is relieved. */
  | { do: "network"; path: Path; state: "cut" | "slow" }
  | { do: "freeze"; ship: number }
  /** Jumps ahead, or back where it is negative. */
  | { do: "clock"; place: Place; seconds: number }
  | { do: "full-disk"; place: Place }
  /** The provider answers so for the next `times` calls of that kind. */
  | { do: "fault"; on: "create" | "get" | "list" | "delete" | "exec"; fault: Fault; times: number }
  /** Somebody removes or alters a thing behind the engine's back. */
  | { do: "drift"; what: Thing; ship: number; how: "removed" | "altered" };

/** `slow` is a call that takes minutes. `fails-but-happens` answers 500 after it has done its work. */
export type Fault = "rate-limit" | "unavailable" | "fails-but-happens" | "false-404" | "slow";

/** `sync` is the sync of the ship's tree, `tmux` its session with the crew in it. */
export type Thing = "vm" | "node" | "key" | "sync" | "tmux";

/** Ends what lasts: networks are whole, ships thaw, disks have room, and faults that were not used up are gone. */
export type Relief = { do: "relieve" };

/** Lets the crews work until `deliveries` more tasks are accepted, or until nothing moves any more. */
export type Pass = { do: "work"; deliveries: number } | { do: "wait"; seconds: number };

/** Writes a step as one line for a person. */
export const describeStep = (step: Step): string => {
  const { do: what, ...rest } = step;
  const words = JSON.stringify(rest).slice(1, -1).replaceAll('"', "");
  return words ? `${what} ${words}` : what;
};

/** Writes a history with a line for each step, its seed first. */
export const describeHistory = ({ seed, voyage, steps }: History): string =>
  [`seed ${seed}: ${JSON.stringify(voyage)}`, ...steps.map((step, index) => `${index + 1}. ${describeStep(step)}`)].join("\n");
