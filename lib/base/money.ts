/** For people: `$0.42`, and `$0.0042` where cents would say little. */
export const usd = (value: number) => `$${value.toFixed(value > 0 && value < 0.1 ? 4 : 2)}`;
