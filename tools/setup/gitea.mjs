import { cpSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { root, versions } from "../places.mjs";
import { findOnPath, identity, runCommand } from "./command.mjs";
import { checkGo, findGo, goBuild, sayBuild } from "./go.mjs";

const VERSION = versions.gitea;
const MODULE = "code.gitea.io/gitea";
/** What the program reads beside itself: forms of answers and mails, and tables of licences and languages. */
const BESIDE = ["templates", "options"];

/**
 * A real forge for the tests of tier `landing`, which ask for it (`npm run setup -- gitea`). It is always built from
 * the Go module, since nobody needs it to sail; its pages have no scripts then, and its API is whole.
 */
export const gitea = {
  name: "gitea",
  title: `Gitea ${VERSION}`,
  key: () => VERSION,
  intact: (stamp) => stamp.path !== undefined && identity(stamp.path) === stamp.identity,

  async make({ tell, note, temporary, place }) {
    await checkGo("gitea");
    // Its SQLite is written in C.
    if (!["cc", "gcc", "clang"].some((name) => findOnPath(name)))
      throw new Error("there is no C compiler to build its SQLite: install gcc");
    sayBuild(note, { title: gitea.title, why: "nobody needs it to sail, and no release of it is taken", minutes: "3 to 12" });
    const started = Date.now();
    const fresh = join(temporary, "gitea");
    mkdirSync(fresh);
    const env = { CGO_ENABLED: "1" };
    await goBuild("gitea", MODULE, join(fresh, "gitea"), {
      ...{ tags: "sqlite sqlite_unlock_notify", ldflags: `-s -w -X main.Version=${VERSION}` },
      ...{ env, tell },
    });
    const module = await runCommand(findGo(), ["list", "-m", "-f", "{{.Dir}}", MODULE], {
      cwd: join(root, "tools", "go", "gitea"),
    });
    for (const name of BESIDE) cpSync(join(module, name), join(fresh, name), { recursive: true });
    // Go's folders of modules are read-only, and a copy of one could not be removed.
    await runCommand("chmod", ["-R", "u+w", fresh]);
    const folder = place(fresh);
    const path = join(folder, "gitea");
    const from = `Go module, built in ${Math.round((Date.now() - started) / 1000)} s`;
    return { version: VERSION, from, path, folder, identity: identity(path) };
  },
};
