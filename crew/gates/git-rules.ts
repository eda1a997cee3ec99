/**
 * Which git commands an agent is refused: those that would send its work elsewhere, or put another history under it (issue 4 §2). A guard against
 * mistakes, not a wall: whoever wants to can write a script. What holds is the helm, which takes a ship's commit by its tree and its grant.
 */

const OF_GIT = new Set(["-C", "-c", "--git-dir", "--work-tree", "--namespace", "--exec-path", "--config-env"]);
const BEFORE = new Set([
  "sudo",
  "command",
  "exec",
  "time",
  "nohup",
  "env",
  "nice",
  "builtin",
  "if",
  "then",
  "while",
  "do",
  "else",
  "!",
  "xargs",
]);
const SHELLS = new Set(["sh", "bash", "dash", "zsh"]);

const REFUSED: Record<string, string> = {
  push: "pushes nowhere: the crew delivers your tree when you complete the task",
  rebase: "does not rewrite history: your tree is what counts, and becomes one commit",
  "filter-branch": "does not rewrite history",
  "filter-repo": "does not rewrite history",
  "update-ref": "moves no refs by hand",
  "symbolic-ref": "moves no refs by hand",
  "send-pack": "pushes nowhere",
};

/** Why the command is refused, for the model; null when it is not. */
export function judgeCommand(command: string): string | null {
  for (const words of simpleCommands(command)) {
    const refused = judgeWords(words);
    if (refused)
      return `Refused: a ship ${refused}. Your tree starts at the voyage's branch; leave HEAD where it is, change files only.`;
  }
  return null;
}

function judgeWords(words: string[]): string | null {
  let at = 0;
  while (at < words.length && (BEFORE.has(words[at]!) || /^\w+=/.test(words[at]!) || (at > 0 && words[at]!.startsWith("-"))))
    at++;
  const program = words[at]?.split("/").at(-1);
  if (program === undefined) return null;
  if (program === "eval") return judgeEach(words.slice(at + 1).join(" "));
  if (SHELLS.has(program)) {
    const script = words.findIndex((word, index) => index > at && /^-[a-z]*c[a-z]*$/.test(word));
    return script < 0 ? null : judgeEach(words[script + 1] ?? "");
  }
  if (program !== "git") return null;
  at++;
  while (words[at]?.startsWith("-")) at += OF_GIT.has(words[at]!) ? 2 : 1;
  return judgeGit(words[at] ?? "", words.slice(at + 1));
}

function judgeEach(script: string): string | null {
  for (const words of simpleCommands(script)) {
    const refused = judgeWords(words);
    if (refused) return refused;
  }
  return null;
}

function judgeGit(verb: string, args: string[]): string | null {
  const plain = args.filter((arg) => !arg.startsWith("-"));
  if (REFUSED[verb]) return REFUSED[verb];
  if (verb === "remote" && plain.length > 0 && !["show", "get-url"].includes(plain[0]!))
    return "has no remotes of its own making";
  if (
    verb === "config" &&
    plain.length > 1 &&
    /^(remote|url|branch|credential|http|core)\./i.test(plain.find((arg) => arg.includes(".")) ?? "")
  )
    return "does not change where git sends things";
  if (verb === "reset") {
    const commits = (args.includes("--") ? args.slice(0, args.indexOf("--")) : args).filter((arg) => !arg.startsWith("-"));
    const hard = args.some((arg) => ["--hard", "--soft", "--merge", "--keep"].includes(arg));
    if (commits.length > 0 && !/^(HEAD|@)$/.test(commits[0]!) && (hard || looksLikeCommit(commits[0]!)))
      return "does not reset to other commits";
  }
  if ((verb === "checkout" || verb === "switch") && args.some((arg) => ["-B", "-C", "--orphan", "--detach"].includes(arg)))
    return "stays on its own branch";
  return null;
}

const looksLikeCommit = (word: string) =>
  /^[0-9a-f]{7,40}$/.test(word) || /[~^]/.test(word) || /^(origin|refs)\//.test(word) || word.startsWith("HEAD@");

/** The simple commands of a shell line, as words without their quotes; those inside `$(…)`, `(…)` and backticks too. */
export function simpleCommands(line: string): string[][] {
  const commands: string[][] = [];
  let words: string[] = [];
  let word: string | null = null;
  let quote = "";
  const endWord = () => {
    if (word !== null) words.push(word);
    word = null;
  };
  const endCommand = () => {
    endWord();
    if (words.length > 0) commands.push(words);
    words = [];
  };
  for (let at = 0; at < line.length; at++) {
    const letter = line[at]!;
    if (quote === "'") {
      if (letter === "'") quote = "";
      else word += letter;
    } else if (letter === "\\") {
      at++;
      if (line[at] !== "\n") word = (word ?? "") + (line[at] ?? "");
    } else if (letter === "`" || (letter === "$" && line[at + 1] === "(")) {
      // What a substitution runs is a command of its own, also inside double quotes.
      if (letter === "$") at++;
      endCommand();
      quote = "";
    } else if (quote === '"') {
      if (letter === '"') quote = "";
      else word += letter;
    } else if (letter === '"' || letter === "'") {
      quote = letter;
      word ??= "";
    } else if (/\s/.test(letter)) {
      if (letter === "\n") endCommand();
      else endWord();
    } else if (";&|(){}".includes(letter)) endCommand();
    else word = (word ?? "") + letter;
  }
  endCommand();
  return commands;
}
