let underWay = 0;

/**
 * Does work that is waited for after Ctrl-C, however long it takes: it has heard of it, and ends what it has begun. A
 * second Ctrl-C does not wait.
 */
export async function waitedFor<T>(work: Promise<T>): Promise<T> {
  underWay += 1;
  try {
    return await work;
  } finally {
    underWay -= 1;
  }
}

export const isWaitedFor = (): boolean => underWay > 0;
