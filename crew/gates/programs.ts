import { simpleCommands } from "./shell-words.ts";

const KEYWORDS = new Set(["if", "then", "elif", "else", "while", "until", "do", "!", "{"]);
/** Words that begin a compound command which may have a name. */
const NAMED = new Set(["function", "coproc"]);
const SHELLS = new Set(["sh", "bash", "dash", "zsh"]);

/**
 * Programs that run the one they are given: `valued` are their options that take a value in the next word, `words` is
 * how many other words come before the program that is run.
 */
const WRAPPERS = new Map(
  Object.entries<{ valued?: string[]; words?: number }>({
    builtin: {},
    command: {},
    doas: { valued: ["-C", "-u"] },
    env: { valued: ["-C", "-u", "--chdir", "--unset"] },
    exec: { valued: ["-a"] },
    flock: { valued: ["-E", "-w", "--timeout"], words: 1 },
    ionice: { valued: ["-c", "-n", "--class", "--classdata"] },
    nice: { valued: ["-n", "--adjustment"] },
    nohup: {},
    setsid: {},
    stdbuf: { valued: ["-e", "-i", "-o"] },
    sudo: { valued: ["-C", "-D", "-g", "-h", "-p", "-R", "-r", "-T", "-t", "-U", "-u", "--chdir", "--group", "--user"] },
    time: { valued: ["-f", "-o"] },
    timeout: { valued: ["-k", "-s", "--kill-after", "--signal"], words: 1 },
    xargs: { valued: ["-a", "-d", "-E", "-I", "-L", "-n", "-P", "-s"] },
  }),
);

/**
 * Lists the programs that a shell line runs, each as its argv with the program's plain name. It looks through wrappers,
 * bodies of functions, `sh -c`, `eval`, `trap`, and a heredoc that a shell reads. Why this is read by hand:
 * docs/adr/shell-lines-of-the-gates.md.
 */
export function programsOf(line: string): string[][] {
  const all = simpleCommands(line).map(({ words, stdin }) => ({ words: unwrapped(words), stdin }));
  // The heredoc of one command may come to a shell by a pipe: `cat <<X | sh`.
  const read = all.some(({ words }) => readsScript(words));
  return all.flatMap(({ words, stdin }) => [...scriptsOf(words), ...(read ? [stdin] : [])].flatMap(programsOf).concat([words]));
}

function unwrapped(words: string[]): string[] {
  let at = 0;
  for (;;) {
    while (KEYWORDS.has(words[at] ?? "") || /^\w+=/.test(words[at] ?? "")) at++;
    if (NAMED.has(words[at] ?? "")) {
      // `function NAME { … }`, `coproc NAME { … }`; a coproc of one command has no name.
      at += words[at] === "function" || words[at + 2] === "{" ? 2 : 1;
      continue;
    }
    const wrapper = WRAPPERS.get(plainName(words[at] ?? ""));
    if (!wrapper) break;
    for (at++; words[at]?.startsWith("-"); at++) if (wrapper.valued?.some((option) => isOption(words[at]!, option))) at++;
    at += wrapper.words ?? 0;
  }
  const [program, ...args] = words.slice(at);
  return program === undefined ? [] : [plainName(program), ...args];
}

/** Tells whether `word` is the option, alone (`-u`) or at the end of others (`-Eu`). */
const isOption = (word: string, option: string) =>
  word === option || (option.length === 2 && /^-[A-Za-z]+$/.test(word) && word.endsWith(option[1]!));

const plainName = (program: string) => program.split("/").at(-1)!;

function scriptsOf([program = "", ...args]: string[]): string[] {
  if (program === "eval") return [args.join(" ")];
  if (program === "trap") return args.slice(0, 1);
  const script = SHELLS.has(program) ? args.findIndex((arg) => /^-[a-z]*c[a-z]*$/.test(arg)) : -1;
  return script < 0 ? [] : [args[script + 1] ?? ""];
}

/** Tells whether this is a shell without a file to run: it reads its script. */
const readsScript = ([program = "", ...args]: string[]) => SHELLS.has(program) && !args.some((arg) => /^[^-]/.test(arg));
