import { typedWord } from "./shell-word.ts";

/** A `pulumi` command that acts on one stack, up to where its arguments end and another command or a remark begins. */
const COMMAND =
  /\bpulumi (up|destroy|preview|refresh|config set|config rm|stack output|stack rm)\b([^;,&#()\n]*?)(?=\s*($|[;,&#()\n]))/g;

/**
 * Names the stack in each `pulumi` command of a hint: without `-s`, Pulumi acts on whatever stack is selected. The
 * rule: code that knows the stack writes `-s` itself; in the rooms that know it tests/tools/hints.test.ts names the
 * few files that do not. Those, and the rooms of lib/ that know of no stack, hint at a bare `pulumi up`, and the code
 * that reports the error calls this.
 */
export const onStack = (hint: string, stack: string): string =>
  hint.replace(COMMAND, (command, verb: string, rest: string) => {
    if (/ -s /.test(command)) return command;
    // What follows `up` may be a sentence; what follows `config set` is the setting and its value.
    return verb.startsWith("config") ? `pulumi ${verb}${rest} -s ${stack}` : `pulumi ${verb} -s ${stack}${rest}`;
  });

/**
 * Rewrites a hint for who sails by `ocaptain sail`, which does the work of `pulumi up`, and `sink` that of `destroy`.
 */
export const byOwnVerbs = (hint: string): string =>
  hint
    .replace(/\bpulumi (?:up|preview)(?: -s ([\w-]+))?/g, (_, stack?: string) => `ocaptain sail${stack ? ` ${stack}` : ""}`)
    .replace(/\bpulumi destroy(?: -s ([\w-]+))?/g, (_, stack?: string) => `ocaptain sink${stack ? ` ${stack}` : ""}`);

/**
 * Rewrites a hint for a shell that is not in the project's folder: its commands of Pulumi name the folder `project`,
 * its commands of npm and `.tools/env.sh` that of ocaptain's own code, and so they work everywhere.
 */
export function fromElsewhere(hint: string, project: string, code = project): string {
  const [there, home] = [project, code].map(typedWord);
  return hint
    .replace(/\bpulumi (?=(up|destroy|preview|refresh|config|stack|login)\b)/g, () => `pulumi -C ${there} `)
    .replace(/\bnpm run /g, () => `npm --prefix ${home} run `)
    .replace(/(?<=^|\s)\. \.tools\//g, () => `. ${home}/.tools/`);
}
