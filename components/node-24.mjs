import { RunError } from "@pulumi/pulumi";

/**
 * The least version of Node that can load the program. The program's first file imports this module before all else: it
 * is written so that an older Node can read it too, and say in one line what is wrong instead of printing a trace about
 * file extensions.
 */
const LEAST = 24;
if (Number(process.versions.node.split(".")[0]) < LEAST) {
  const old = new RunError(
    `this needs Node ${LEAST} or later, and the first on this shell's PATH is ${process.version} (${process.execPath}); nothing was made\n  hint: put Node 24 or later first on PATH; or type: eval "$(ocaptain env)"; in a checkout of ocaptain: npm run setup && . .tools/env.sh`,
  );
  old.stack = ""; // An older Node takes a quarter of a minute to map the stack to sources.
  throw old;
}
