import { RunError } from "@pulumi/pulumi";

/** What a program's first file imports before all else, and an older Node can read too: one line, instead of a trace about file extensions. */
const LEAST = 24;
if (Number(process.versions.node.split(".")[0]) < LEAST) {
  const old = new RunError(
    `this needs Node ${LEAST} or later, and the first on this shell's PATH is ${process.version} (${process.execPath}); nothing was made\n  hint: put Node 24 or later first on PATH; in a checkout of ocaptain: npm run setup, then: . .tools/env.sh`,
  );
  old.stack = ""; // an older Node takes a quarter of a minute to map it to sources
  throw old;
}
