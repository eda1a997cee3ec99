import { AsyncLocalStorage } from "node:async_hooks";

/** A call of the engine while it is under way. Its effects are what it does outside of its own process. */
type Call = { effects: number; diesAt: { effect: number; part: "before" | "after" } | null; dead: boolean };

const calls = new AsyncLocalStorage<Call>();
const never = new Promise<never>(() => {});

/** Ends a call of the engine at one of its effects, as a SIGKILL of its process does: it goes no further, for ever. */
export type Death = { effect: number; part: "before" | "after" };

/**
 * Runs a call of the engine. Where it dies, this resolves to null, and what the call had begun is neither finished nor
 * undone.
 */
export async function runCall<T>(death: Death | null, work: () => Promise<T>): Promise<{ answer: T } | null> {
  const call: Call = { effects: 0, diesAt: death, dead: false };
  let dies = (_: null) => {};
  const died = new Promise<null>((resolve) => {
    dies = resolve;
  });
  const watch = setInterval(() => call.dead && dies(null), 1);
  try {
    return await Promise.race([calls.run(call, work).then((answer) => ({ answer })), died]);
  } finally {
    clearInterval(watch);
  }
}

/** Runs an effect of the call under way; outside of a call it just runs. */
export async function effect<T>(work: () => Promise<T>): Promise<T> {
  const call = calls.getStore();
  if (!call) return work();
  if (call.dead) return never;
  const isLast = call.effects++ === call.diesAt?.effect;
  if (isLast && call.diesAt?.part === "before") {
    call.dead = true;
    return never;
  }
  // A process that dies takes no notice of the answer, be it an error or not.
  const answer = await work().catch((error: unknown) => {
    if (!isLast) throw error;
  });
  if (isLast) call.dead = true;
  return call.dead ? never : (answer as T);
}
