/**
 * One command of a shell line. `words` are without quotes and redirections, with substitutions as they are written;
 * `stdin` is what a heredoc or a here-string gives it to read.
 */
export type SimpleCommand = { words: string[]; stdin: string };

type Heredoc = { of: SimpleCommand; delimiter: string; literal: boolean; stripTabs: boolean };

const REDIRECTION = /&>>?|<<<|<<-?|[<>]&|>\||<>|>>|[<>]/y;

/**
 * Lists the simple commands of a shell line, those inside `$(…)`, `(…)` and backticks too. It reads bash as far as it
 * matters to tell what is run from what is text. That is not a whole grammar, and what it cannot tell it takes for
 * commands.
 */
export function simpleCommands(script: string): SimpleCommand[] {
  const found: SimpleCommand[] = [];
  const heredocs: Heredoc[] = [];
  let at = 0;

  /** Reads the rest of a subshell or a substitution, up to `end` and past it; all of the line when `end` is null. */
  function commands(end: ")" | "`" | null): void {
    let command: SimpleCommand = { words: [], stdin: "" };
    let word: string | null = null;
    let next: "word" | "stdin" | "target" = "word";
    const add = (text: string) => {
      word = (word ?? "") + text;
    };
    const endWord = () => {
      if (word === null) return;
      if (next === "word") command.words.push(word);
      if (next === "stdin") command.stdin += `${word}\n`;
      [word, next] = [null, "word"];
    };
    const endCommand = () => {
      endWord();
      if (command.words.length > 0) found.push(command);
      [command, next] = [{ words: [], stdin: "" }, "word"];
    };
    while (at < script.length) {
      const letter = script[at]!;
      if (letter === end) break;
      REDIRECTION.lastIndex = at;
      const [redirection] = REDIRECTION.exec(script) ?? [];
      if (letter === "\\") {
        if (script[at + 1] !== "\n") add(script[at + 1] ?? "");
        at += 2;
      } else if (letter === "'" || script.startsWith("$'", at)) add(quoted());
      else if (letter === '"') add(doubleQuoted());
      else if (startsSubstitution()) add(substitution());
      else if (letter === "#" && word === null) while (at < script.length && script[at] !== "\n") at++;
      else if (redirection) {
        if (/^\d+$/.test(word ?? "")) word = null;
        else endWord();
        at += redirection.length;
        if (/^<<-?$/.test(redirection)) heredocs.push({ of: command, ...delimiter(), stripTabs: redirection.endsWith("-") });
        else if (script[at] === "(" && redirection.length === 1) add(substitution());
        else next = redirection === "<<<" ? "stdin" : "target";
      } else {
        at++;
        if (letter === "\n") {
          endCommand();
          for (const heredoc of heredocs.splice(0)) body(heredoc);
        } else if (letter === "(") {
          endCommand();
          commands(")");
        } else if (";&|)".includes(letter)) endCommand();
        else if (/\s/.test(letter)) endWord();
        else add(letter);
      }
    }
    at++;
    endCommand();
  }

  /** Reads `'…'`, or `$'…'`, in which a quote can be escaped. */
  function quoted(): string {
    const ansi = script[at] === "$";
    at += ansi ? 2 : 1;
    const from = at;
    while (at < script.length && script[at] !== "'") at += ansi && script[at] === "\\" ? 2 : 1;
    return script.slice(from, at++);
  }

  function doubleQuoted(): string {
    let text = "";
    for (at++; at < script.length && script[at] !== '"'; ) {
      if (startsSubstitution()) text += substitution();
      else if (script[at] === "\\") {
        if (script[at + 1] !== "\n") text += script[at + 1] ?? "";
        at += 2;
      } else text += script[at++];
    }
    at++;
    return text;
  }

  function startsSubstitution(): boolean {
    return script[at] === "`" || script.startsWith("$(", at);
  }

  /** Reads a substitution; what it runs is among the commands. */
  function substitution(): string {
    const from = at;
    const end = script[at] === "`" ? "`" : ")";
    at += script[at] === "$" ? 2 : 1;
    commands(end);
    return script.slice(from, at);
  }

  function delimiter(): { delimiter: string; literal: boolean } {
    const [whole, raw] = /^[ \t]*((?:'[^'\n]*'|"[^"\n]*"|\\.|[^\s;&|()<>'"\\])*)/.exec(script.slice(at))!;
    at += whole.length;
    const plain = raw!.replace(/['"\\]/g, "");
    return { delimiter: plain, literal: plain !== raw };
  }

  /**
   * Reads a heredoc's text, from the start of its first line. One without a last line is none: a shift in arithmetic
   * looks alike.
   */
  function body({ of, delimiter, literal, stripTabs }: Heredoc): void {
    const lines = script.slice(at).split("\n");
    const last = lines.findIndex((line) => (stripTabs ? line.replace(/^\t+/, "") : line) === delimiter);
    if (last < 0) return;
    const text = lines.slice(0, last).map((line) => `${line}\n`);
    of.stdin += text.join("");
    const end = at + text.join("").length;
    while (!literal && at < end) {
      if (startsSubstitution()) substitution();
      else at += script[at] === "\\" ? 2 : 1;
    }
    at = Math.max(at, end) + lines[last]!.length + 1;
  }

  commands(null);
  return found;
}
