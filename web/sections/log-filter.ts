import { signal } from "@preact/signals";
import { goTo } from "../parts/go-to.ts";

/** What of the logs is shown: of a ship, of a task, with a text. "" is all. */
export type LogFilter = { ship: string; task: string; text: string };

export const logFilter = signal<LogFilter>({ ship: "", task: "", text: "" });

/** Shows the log of a ship or of a task, and goes there. */
export function openLog(of: { ship: string } | { task: string }): void {
  logFilter.value = { ship: "", task: "", text: "", ...of };
  goTo("logs");
}
