/**
 * Lets many callers share one look. A caller that asks while a look is under way gets the answer of the next one, so that no answer is older
 * than its question, and everybody who waits shares it.
 */
export function shared<T>(look: () => Promise<T>): () => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  let next: Promise<T> | undefined;
  return () => {
    next ??= last.then(() => {
      next = undefined;
      const looking = look();
      last = looking.catch(() => {});
      return looking;
    });
    return next;
  };
}
