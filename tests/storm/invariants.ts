/**
 * All that there is of voyages at one moment, as a world sees it: the model and the real engine each give one. What a
 * world does not have is empty there (a model has no processes), and no invariant fails for it.
 */
export type Snapshot = {
  /** The VMs that carry this voyage's mark, in whatever state. */
  vms: { name: string; incarnation: string; crew: boolean }[];
  /** The nodes and keys of the tailnet that carry the voyage's mark. */
  nodes: { name: string }[];
  keys: { id: string }[];
  /** The sessions of the voyage's own sync daemon. */
  syncs: { name: string; ship: string; kind: string; incarnation: string; halted: boolean }[];
  /** The processes of the voyage on the captain's machine, a line each: daemons, engines, providers, ships'. */
  processes: string[];
  /** The ports that processes of the voyage listen at. */
  ports: number[];
  /** The files of locks that somebody holds. */
  locks: string[];
  /** The voyage's tasks by the helm's ledger; `null` when there is no ledger. */
  tasks: TaskSeen[] | null;
  /** The commits of the voyage's branch, the oldest first, each with the task that it delivers. */
  branch: { commit: string; task: string | null }[];
  /** The names of refs in the voyage's repository. */
  refs: string[];
  /** The voyages that the helm knows. */
  registered: string[];
  /** The resources of the stack's state by name, with what `present` says of each; empty when the stack is empty. */
  recorded: { name: string; kind: string; present: boolean; incarnation?: string }[];
  work: WorkSeen;
  /** What another voyage and strangers own: it must never change. */
  others: unknown;
  /** Texts in which no secret may stand: the state, logs, argv, environments of processes, refs, messages. */
  texts: { place: string; text: string }[];
};

export type TaskSeen = { id: string; status: string; commit: string | null; epoch: number };

/**
 * Where unfinished work is, as marks: words that the crews of a storm write into their trees, each one once. A mark is
 * never taken out by whoever wrote it.
 */
export type WorkSeen = {
  /** The marks in each mirror that is the captain's, by `<ship>/<incarnation>`. */
  mirrored: Record<string, string[]>;
  /** All marks that the captain still has anywhere: branch, refs, mirrors, what was put aside. */
  home: string[];
  /** The marks that were on VMs which the product itself has deleted; absent where a world cannot see that. */
  deleted?: string[];
};

/** What there should be, by the settings and the plan of the last `up` that succeeded. */
export type Wanted = { ships: string[]; tasks: string[]; tailnet: boolean; captainHome: string; secrets: string[] };

/** The moment that is looked at. `calm` means that no trouble is left which an `up` need not come through. */
export type Occasion =
  /** An `up` has said that it succeeded. */
  | "up"
  /** A `destroy` has said that it succeeded. */
  | "destroy"
  /** Anything else, at which only what must always hold is looked at. */
  | "any";

/** What an invariant is told. `earlier` are the snapshots of this history before this one, the oldest first. */
export type Look = { occasion: Occasion; now: Snapshot; earlier: readonly Snapshot[]; wanted: Wanted };

/** A claim about every history. It returns a sentence for each thing that breaks it. */
export interface Invariant {
  name: string;
  /** The occasions at which it must hold. */
  at: readonly Occasion[];
  broken(look: Look): string[];
}

const ANY = ["up", "destroy", "any"] as const;
const last = (earlier: readonly Snapshot[]) => earlier.at(-1);

/** The number of syncs of each ship, and their kinds. */
const KINDS = ["logs", "tasks", "workspace"];

export const invariants: readonly Invariant[] = [
  {
    name: "after an up there is what the plan says, and nothing else",
    at: ["up"],
    broken({ now, wanted }) {
      const wrong: string[] = [];
      const shipOf = (name: string) => name.slice(name.lastIndexOf("ship-"));
      const ships = now.vms.map(({ name }) => shipOf(name)).sort();
      if (ships.join() !== [...wanted.ships].sort().join()) wrong.push(`ships ${ships.join()} instead of ${wanted.ships.join()}`);
      for (const ship of wanted.ships) {
        const vm = now.vms.find(({ name }) => shipOf(name) === ship);
        const kinds = now.syncs.filter((sync) => sync.ship === ship).map(({ kind }) => kind);
        if (kinds.sort().join() !== KINDS.join()) wrong.push(`${ship} has the syncs ${kinds.join() || "none"}`);
        for (const sync of now.syncs)
          if (sync.ship === ship && (sync.incarnation !== vm?.incarnation || sync.halted))
            wrong.push(`the ${sync.kind} of ${ship} is ${sync.halted ? "halted" : "another life's"}`);
      }
      for (const sync of now.syncs) if (!wanted.ships.includes(sync.ship)) wrong.push(`sync ${sync.name} of no ship`);
      if (wanted.tailnet && now.nodes.length !== wanted.ships.length) wrong.push(`${now.nodes.length} nodes in the tailnet`);
      const tasks = (now.tasks ?? []).filter(({ status }) => status !== "cancelled").map(({ id }) => id);
      for (const id of wanted.tasks) if (!tasks.includes(id)) wrong.push(`task ${id} is not in the ledger`);
      for (const { name, present } of now.recorded) if (!present) wrong.push(`${name} is recorded as not whole`);
      return wrong;
    },
  },
  {
    name: "after a destroy nothing is left",
    at: ["destroy"],
    broken: ({ now }) => [
      ...now.vms.map(({ name }) => `VM ${name}`),
      ...now.nodes.map(({ name }) => `node ${name}`),
      ...now.keys.map(({ id }) => `key ${id}`),
      ...now.syncs.map(({ name }) => `sync ${name}`),
      ...now.processes.map((line) => `process ${line}`),
      ...now.ports.map((port) => `port ${port}`),
      ...now.locks.map((file) => `lock ${file}`),
      ...now.registered.map((id) => `voyage ${id} at the helm`),
      ...now.recorded.map(({ name }) => `${name} in the state`),
    ],
  },
  {
    name: "no task is accepted twice",
    at: ANY,
    broken({ now }) {
      const delivered = now.branch.flatMap(({ task }) => task ?? []);
      const twice = delivered.filter((task, index) => delivered.indexOf(task) !== index);
      return twice.map((task) => `task ${task} is delivered by more than one commit`);
    },
  },
  {
    name: "no accepted work is lost",
    at: ANY,
    broken({ now, earlier }) {
      const there = new Set(now.branch.map(({ commit }) => commit));
      const gone = (last(earlier)?.branch ?? []).filter(({ commit }) => !there.has(commit));
      const accepted = (now.tasks ?? []).filter(({ status }) => status === "accepted");
      const before = (last(earlier)?.tasks ?? []).filter(({ status }) => status === "accepted");
      return [
        ...gone.map(({ commit, task }) => `commit ${commit} (task ${task ?? "of none"}) is gone from the branch`),
        ...accepted
          .filter(({ commit }) => commit !== null && !there.has(commit))
          .map(({ id, commit }) => `task ${id} is accepted, and its commit ${commit} is not in the branch`),
        ...(now.tasks === null ? [] : before)
          .filter(({ id }) => !accepted.some((task) => task.id === id))
          .map(({ id }) => `task ${id} was accepted, and is not any more`),
      ];
    },
  },
  {
    name: "no unfinished work is lost beyond the last state of its mirror",
    at: ANY,
    broken({ now, earlier }) {
      const home = new Set(now.work.home);
      const seen = new Set(earlier.flatMap(({ work }) => Object.values(work.mirrored).flat()));
      return [...seen].filter((mark) => !home.has(mark)).map((mark) => `${mark} was in a mirror, and is nowhere now`);
    },
  },
  {
    name: "no VM is deleted before its work is home",
    at: ANY,
    broken({ now: { work } }) {
      const home = new Set(work.home);
      return (work.deleted ?? []).filter((mark) => !home.has(mark)).map((mark) => `${mark} went with its VM`);
    },
  },
  {
    name: "what others own stays as it was",
    at: ANY,
    broken({ now, earlier }) {
      const [was, is] = [earlier[0]?.others, now.others].map((others) => JSON.stringify(others));
      return earlier.length > 0 && was !== is ? [`it was ${was}, and is ${is}`] : [];
    },
  },
  {
    name: "no secret stands in clear anywhere, and no path of the machine in the state",
    at: ANY,
    broken({ now, wanted }) {
      const told = (texts: Snapshot["texts"], words: string[]) =>
        texts.flatMap(({ place, text }) => words.filter((word) => text.includes(word)).map((word) => `${place} holds ${word}`));
      const state = now.texts.filter(({ place }) => place === "state");
      // A path that begins at the project's folder, "../../tmp/…", names the place on no other machine.
      const absolute = state.map(({ place, text }) => ({ place, text: text.replaceAll(/(?:\.\.\/)*\.\.\//g, "") }));
      return [...told(now.texts, wanted.secrets), ...told(absolute, [wanted.captainHome])];
    },
  },
];

/** Looks at a moment by all invariants that hold there, and gives a sentence for each thing that is wrong. */
export const whatIsBroken = (look: Look): string[] =>
  invariants
    .filter(({ at }) => at.includes(look.occasion))
    .flatMap((invariant) => invariant.broken(look).map((what) => `${invariant.name}: ${what}`));
