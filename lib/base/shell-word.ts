/** Quotes a word so that a POSIX shell takes it as it is, whatever is in it. */
export const shellWord = (word: string) => `'${word.replaceAll("'", "'\\''")}'`;

/** The word as a person would type it: in quotes only where the shell would read it as something else. */
export const typedWord = (word: string) => (/^[\w@%+=:,./-]+$/.test(word) ? word : shellWord(word));
