import { useEffect } from "preact/hooks";
import { Command } from "../parts/copy.tsx";
import { Icon } from "../parts/icon.tsx";
import { notice } from "../state/actions.ts";

const SHOWN_MS = 8_000;

/** What the last order has come to. What has failed stays until it is put away. */
export function Notices() {
  const said = notice.value;
  useEffect(() => {
    if (!said || said.isError) return;
    const timer = setTimeout(() => {
      if (notice.peek()?.id === said.id) notice.value = null;
    }, SHOWN_MS);
    return () => clearTimeout(timer);
  }, [said]);
  return (
    <div class="notices" role="status" aria-live="polite">
      {said && (
        <div class={`notice ${said.isError ? "tone-bad" : "tone-good"}`}>
          <Icon shape={said.isError ? "unfit" : "accepted"} />
          <div>
            <p>{said.text}</p>
            {said.hint && <Command text={said.hint} />}
          </div>
          <button type="button" class="small quiet" onClick={() => (notice.value = null)}>
            Close
          </button>
        </div>
      )}
    </div>
  );
}
