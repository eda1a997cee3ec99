import { useEffect, useRef } from "preact/hooks";

/**
 * Asks again and again while the element is near what is seen of the page, one question at a time.
 * @param ask  what is asked; its signal ends when what is asked changes
 * @param of  what is asked about: where it changes, the old question is dropped
 */
export function usePoll(everyMs: number, ask: (signal: AbortSignal) => Promise<void>, of: readonly unknown[]) {
  const ref = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const ended = new AbortController();
    let isSeen = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isAsking = false;
    const turn = async () => {
      clearTimeout(timer);
      if (ended.signal.aborted || isAsking) return;
      if (isSeen && !document.hidden) {
        isAsking = true;
        await ask(ended.signal).catch(() => {});
        isAsking = false;
      }
      if (!ended.signal.aborted) timer = setTimeout(turn, everyMs);
    };
    const observer = new IntersectionObserver(
      (entries) => {
        const wasSeen = isSeen;
        isSeen = entries.at(-1)?.isIntersecting ?? false;
        if (isSeen && !wasSeen) void turn();
      },
      { rootMargin: "200px" },
    );
    if (ref.current) observer.observe(ref.current);
    return () => {
      ended.abort();
      clearTimeout(timer);
      observer.disconnect();
    };
  }, of);
  return ref;
}
