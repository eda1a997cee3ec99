/** An amount of US dollars: `$0.42`, or `$0.0042` where whole cents would say little. */
export const usd = (value: number): string => `$${value.toFixed(value > 0 && value < 0.1 ? 4 : 2)}`;

/** A count with its word: `1 task`, `3 tasks`. */
export const counted = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`;

/** A large number in three digits: `12.3k`, `4.56M`. */
export function short(value: number): string {
  if (value < 1_000) return String(Math.round(value));
  const [divisor, unit] = value < 1_000_000 ? [1_000, "k"] : [1_000_000, "M"];
  return `${(value / divisor).toPrecision(3)}${unit}`;
}
