import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";

/** A dialog in the browser's own modal layer: it keeps the focus inside, and Escape closes it. */
export function Dialog(props: { title: string; onClose: () => void; children: ComponentChildren; wide?: boolean }) {
  const ref = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = ref.current;
    if (dialog && !dialog.open) dialog.showModal();
    return () => dialog?.close();
  }, []);
  return (
    <dialog ref={ref} class={props.wide ? "wide" : ""} aria-labelledby="dialog-title" onClose={props.onClose}>
      <h2 id="dialog-title">{props.title}</h2>
      {props.children}
    </dialog>
  );
}

/** What is to be confirmed: what will happen, in sentences, and the word on the button that does it. */
type Confirmation = { title: string; effects: string[]; verb: string; run: () => void };
const asked = signal<Confirmation | null>(null);

/** Asks before a dangerous action. What it says is what the action will do. */
export const confirmFirst = (confirmation: Confirmation): void => {
  asked.value = confirmation;
};

/** True while a dialog has the keyboard. */
export const dialogOpen = (): boolean => document.querySelector("dialog[open]") !== null;

export function ConfirmDialog() {
  const open = asked.value;
  if (!open) return null;
  const close = () => {
    asked.value = null;
  };
  const run = () => {
    close();
    open.run();
  };
  return (
    <Dialog title={open.title} onClose={close}>
      <ul class="effects">
        {open.effects.map((effect) => (
          <li key={effect}>{effect}</li>
        ))}
      </ul>
      <div class="buttons end">
        <button type="button" onClick={close}>
          Leave it
        </button>
        <button type="button" class="danger" onClick={run}>
          {open.verb}
        </button>
      </div>
    </Dialog>
  );
}
