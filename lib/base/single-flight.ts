/**
 * Makes a function whose callers share the calls of `look`, of which one runs at a time. Who calls while one is under
 * way gets the result of the next, together with all others who wait, so that no result is older than its question.
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
