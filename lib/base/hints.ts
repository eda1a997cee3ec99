/** A `pulumi` command that acts on one stack, up to the end of what belongs to it, be that another command or a remark. */
const COMMAND =
  /\bpulumi (up|destroy|preview|refresh|config set|config rm|stack output|stack rm)\b([^;,&#()\n]*?)(?=\s*($|[;,&#()\n]))/g;

/**
 * The hint with the stack named in each `pulumi` command: without `-s`, Pulumi acts on whatever stack is selected. Rooms that serve any
 * voyage hint at a bare `pulumi up`; whoever reports their error knows the stack, and calls this.
 */
export const onStack = (hint: string, stack: string): string =>
  hint.replace(COMMAND, (command, verb: string, rest: string) => {
    if (/ -s /.test(command)) return command;
    // What follows `up` may be a sentence; what follows `config set` is the setting and its value.
    return verb.startsWith("config") ? `pulumi ${verb}${rest} -s ${stack}` : `pulumi ${verb} -s ${stack}${rest}`;
  });

/** The hint for a shell that is not in the checkout at `project`: Pulumi, npm and `.tools/env.sh` are found from any folder. */
export function fromElsewhere(hint: string, project: string): string {
  const there = /^[\w./@+-]+$/.test(project) ? project : `'${project.replaceAll("'", "'\\''")}'`;
  return hint
    .replace(/\bpulumi (?=(up|destroy|preview|refresh|config|stack|login)\b)/g, () => `pulumi -C ${there} `)
    .replace(/\bnpm run /g, () => `npm --prefix ${there} run `)
    .replace(/(?<=^|\s)\. \.tools\//g, () => `. ${there}/.tools/`);
}
