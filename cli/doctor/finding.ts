import { pasteable } from "../output/hint.ts";

/** One thing that doctor looked at. `wrong` needs the captain; `note` is worth knowing. */
export type Finding = {
  area: "tools" | "daemons" | "voyages" | "leftovers" | "tailnet" | "settings";
  what: string;
  state: "ok" | "note" | "wrong";
  message: string;
  /** A command that helps, or lines to paste; "" where none is needed. */
  hint: string;
  /** The mending that `doctor --fix` does, where that is safe and needs nobody. */
  fix?: Fix | undefined;
};

/** `did` says what has happened once `run` has come to its end. */
export type Fix = { did: string; run(): Promise<void> };

export const found = (
  area: Finding["area"],
  what: string,
  state: Finding["state"],
  message: string,
  hint = "",
  fix?: Fix,
  about?: Parameters<typeof pasteable>[1],
): Finding => ({ area, what, state, message, hint: pasteable(hint, about), fix });
