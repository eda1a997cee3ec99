import { useSignal } from "@preact/signals";

/** A command to be pasted, with a button that copies it. */
export function Command({ text }: { text: string }) {
  const copied = useSignal(false);
  const copy = async () => {
    // A page that was not reached by loopback has no clipboard; its text can be selected all the same.
    await navigator.clipboard?.writeText(text).then(
      () => {
        copied.value = true;
        setTimeout(() => {
          copied.value = false;
        }, 1500);
      },
      () => {},
    );
  };
  return (
    <span class="command">
      <code>{text}</code>
      <button type="button" class="quiet small" onClick={copy} aria-label={`Copy the command: ${text}`}>
        {copied.value ? "Copied" : "Copy"}
      </button>
    </span>
  );
}
