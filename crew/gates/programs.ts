import { simpleCommands } from "./shell-words.ts";

const KEYWORDS = new Set(["if", "then", "elif", "else", "while", "until", "do", "!", "{"]);
const SHELLS = new Set(["sh", "bash", "dash", "zsh"]);

/** Programs that run the one they are given: their options that take a value in the next word, and how many words come before that program. */
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

/** The programs that a shell line runs, as argv with the program's plain name: through wrappers, `sh -c`, `eval`, and a heredoc that a shell reads. */
export function programsOf(line: string): string[][] {
  const all = simpleCommands(line).map(({ words, stdin }) => ({ words: unwrapped(words), stdin }));
  // It may come by a pipe: `cat <<X | sh`.
  const read = all.some(({ words }) => readsScript(words));
  return all.flatMap(({ words, stdin }) => [...scriptsOf(words), ...(read ? [stdin] : [])].flatMap(programsOf).concat([words]));
}

function unwrapped(words: string[]): string[] {
  let at = 0;
  for (;;) {
    while (KEYWORDS.has(words[at] ?? "") || /^\w+=/.test(words[at] ?? "")) at++;
    const wrapper = WRAPPERS.get(plainName(words[at] ?? ""));
    if (!wrapper) break;
    for (at++; words[at]?.startsWith("-"); at++) if (wrapper.valued?.some((option) => isOption(words[at]!, option))) at++;
    at += wrapper.words ?? 0;
  }
  const [program, ...args] = words.slice(at);
  return program === undefined ? [] : [plainName(program), ...args];
}

/** `-u`, and `-Eu`. */
const isOption = (word: string, option: string) =>
  word === option || (option.length === 2 && /^-[A-Za-z]+$/.test(word) && word.endsWith(option[1]!));

const plainName = (program: string) => program.split("/").at(-1)!;

function scriptsOf([program = "", ...args]: string[]): string[] {
  if (program === "eval") return [args.join(" ")];
  const script = SHELLS.has(program) ? args.findIndex((arg) => /^-[a-z]*c[a-z]*$/.test(arg)) : -1;
  return script < 0 ? [] : [args[script + 1] ?? ""];
}

/** A shell without a file to run reads its script. */
const readsScript = ([program = "", ...args]: string[]) => SHELLS.has(program) && !args.some((arg) => /^[^-]/.test(arg));
