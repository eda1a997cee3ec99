/** Writes a number of things as a person says it: `1 try`, `2 tries`, `0 ships`. */
export const counted = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`;
