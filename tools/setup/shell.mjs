import { randomBytes } from "node:crypto";
import { existsSync, linkSync, mkdirSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { passphraseFile, root, stateFolder, toolsFolder } from "../environment.mjs";

const file = join(toolsFolder, "env.sh");

/**
 * This checkout's own place for Pulumi's state, its passphrase, and `.tools/env.sh`. The passphrase is made only once,
 * because the secrets in state cannot be read with another.
 */
export const shell = {
  name: "shell",
  title: "env.sh, state, passphrase",
  key: () => root,
  intact: () =>
    existsSync(file) && existsSync(stateFolder) && existsSync(passphraseFile) && (statSync(passphraseFile).mode & 0o077) === 0,

  async make({ temporary }) {
    mkdirSync(stateFolder, { recursive: true, mode: 0o700 });
    if (!existsSync(passphraseFile)) {
      const made = join(temporary, "passphrase");
      writeFileSync(made, `${randomBytes(24).toString("hex")}\n`, { mode: 0o600 });
      linkSync(made, passphraseFile); // Unlike a rename, a link never replaces a file that is there.
    }
    if (statSync(passphraseFile).mode & 0o077)
      throw new Error(`others can read the passphrase. Type: chmod 600 ${passphraseFile}`);
    const script = join(temporary, "env.sh");
    writeFileSync(
      script,
      [
        "# Made by `npm run setup`. In a shell: . .tools/env.sh",
        "# It keeps what you have set yourself, and your Pulumi login (tools/environment.mjs).",
        `eval "$(node ${quote(join(root, "tools", "environment.mjs"))})"`,
        "",
      ].join("\n"),
    );
    renameSync(script, file);
    return { version: "", from: ". .tools/env.sh" };
  },
};

const quote = (text) => `'${text.replaceAll("'", "'\\''")}'`;
