/** Who asks while a look is under way gets the next one, and all who wait share it: one look for many, and never news of before the question. */
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
