/** Remembers for each name what was answered for it. A question that failed is asked again. */
export function remembered(work: (name: string) => Promise<boolean>): (name: string) => Promise<boolean> {
  const known = new Map<string, Promise<boolean>>();
  return (name) => {
    const there = known.get(name);
    if (there) return there;
    const answer = work(name);
    known.set(name, answer);
    answer.catch(() => known.delete(name));
    return answer;
  };
}
