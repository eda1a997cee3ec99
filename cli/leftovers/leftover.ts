/** What this captain knows of a voyage: it sails here, has sunk, is another captain's, or nothing is known of it. */
export type Standing = "at sea" | "sunk" | "another captain's" | "unknown";

/** A thing that carries this captain's mark, and belongs to no voyage at sea. */
export type Leftover = {
  kind: "vm" | "node" | "key" | "sync" | "process" | "folder" | "registration";
  /** What it is called where it is: a sprite, a machine of the tailnet, a folder, a process. */
  name: string;
  /** The id of its voyage; null where none is known. */
  voyage: string | null;
  /** What is known of that voyage; null where it has none. */
  standing: Standing | null;
  /** Why it is left over, as what follows its name in a sentence. */
  message: string;
  /** Why it is not removed by itself; null where it holds nothing that is nowhere else. */
  kept: string | null;
  /** The command that helps where it is kept; "" else. */
  hint: string;
  /** Removes it, if it is still what was found, and quietly when it is gone. Throws where it now holds work. */
  remove(): Promise<void>;
  /** Brings the work that it holds into a file of this machine, whose path is the answer; only a VM has it. */
  fetch?: (() => Promise<string>) | undefined;
};

/** What a look has found. `notAsked` says of whom nothing is known, and why. */
export type Look = { left: Leftover[]; notAsked: string[] };
