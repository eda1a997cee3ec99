/** Quotes a word so that a POSIX shell takes it as it is, whatever is in it. */
export const shellWord = (word: string) => `'${word.replaceAll("'", "'\\''")}'`;
