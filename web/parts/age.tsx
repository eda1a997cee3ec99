import { useComputed, useSignal } from "@preact/signals";
import { ago, clockTime } from "../state/clock.ts";

/** How long ago a time was. The time itself is in its title, and for programs in `datetime`. */
export function Age({ at, before = "", after = "" }: { at: string | null | undefined; before?: string; after?: string }) {
  // The text follows the clock without this component being drawn anew; it is told of a new time by a signal.
  const from = useSignal(at);
  from.value = at;
  const text = useComputed(() => `${before}${ago(from.value)}${after}`);
  if (!at) return <span class="age">–</span>;
  return (
    <time class="age" dateTime={at} title={clockTime(at)}>
      {text}
    </time>
  );
}
