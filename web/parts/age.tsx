import { useComputed } from "@preact/signals";
import { ago, clockTime } from "../state/clock.ts";

/** How long ago a time was. The time itself is in its title, and for programs in `datetime`. */
export function Age({ at, before = "", after = "" }: { at: string | null | undefined; before?: string; after?: string }) {
  const text = useComputed(() => `${before}${ago(at)}${after}`);
  if (!at) return <span class="age">–</span>;
  return (
    <time class="age" dateTime={at} title={clockTime(at)}>
      {text}
    </time>
  );
}
