import { existsSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { checkoutFolder, root } from "../places.mjs";

const file = join(checkoutFolder, "env.sh");

/** This checkout's `.tools/env.sh`. */
export const shell = {
  name: "shell",
  title: "env.sh",
  key: () => root,
  intact: () => existsSync(file),

  async make({ temporary }) {
    const script = join(temporary, "env.sh");
    writeFileSync(
      script,
      [
        "# Made by `npm run setup`. In a shell: . .tools/env.sh",
        "# It sets nothing that Pulumi reads (tools/environment.mjs).",
        `eval "$(node ${quote(join(root, "tools", "environment.mjs"))})"`,
        "",
      ].join("\n"),
    );
    renameSync(script, file);
    return { version: "", from: ". .tools/env.sh" };
  },
};

const quote = (text) => `'${text.replaceAll("'", "'\\''")}'`;
