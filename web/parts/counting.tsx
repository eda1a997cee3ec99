import { useComputed } from "@preact/signals";
import { ago } from "../state/clock.ts";

/** How long ago something was, in a sentence of the helm's: `214 s ago`. */
const AGE = /\b\d+ (?:s|min|h) ago\b/;

/** A sentence whose age goes on while nothing else of it is new; `at` is the time that the age is counted from. */
export const Counting = ({ text, at }: { text: string; at: string | null | undefined }) => (
  <span>{at && AGE.test(text) ? <Aged key={`${at} ${text}`} text={text} at={at} /> : text}</span>
);

function Aged({ text, at }: { text: string; at: string }) {
  const counted = useComputed(() => text.replace(AGE, () => `${ago(at)} ago`));
  return <span>{counted}</span>;
}
