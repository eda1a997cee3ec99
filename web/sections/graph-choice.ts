import { signal } from "@preact/signals";
import { goTo } from "../parts/go-to.ts";

/** The task whose details are open, and the ship whose tasks are marked. */
export const chosenTask = signal<string | null>(null);
export const chosenShip = signal<string | null>(null);

/** Opens a task's details, and goes there. */
export function openTask(id: string): void {
  chosenTask.value = id;
  goTo("graph");
}
