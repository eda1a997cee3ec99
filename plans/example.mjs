// Makes a small repository with one of the examples in it, which then can be sailed: `node plans/example.mjs first ~/log-book`.
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

/** The examples: folders here that say in repository.mjs what they are for. */
export const examples = readdirSync(import.meta.dirname).filter((name) =>
  existsSync(join(import.meta.dirname, name, "repository.mjs")),
);

/** Makes the repository `folder`, of the example's files and its plan in `plan/`, with one commit. */
export async function makeExample(name, folder) {
  const { files } = await import(`./${name}/repository.mjs`);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  for (const part of ["spec.md", "verify.sh", "voyage.json", "tasks"])
    cpSync(join(import.meta.dirname, name, part), join(folder, "plan", part), { recursive: true });
  const git = (...args) =>
    execFileSync("git", ["-c", "user.name=Captain", "-c", "user.email=captain@sea.example", ...args], { cwd: folder });
  git("init", "--quiet", "--initial-branch", "main");
  git("add", "--all");
  git("commit", "--quiet", "--message", "Begin");
}

if (process.argv[1] === import.meta.filename) {
  const [name = "", folder = ""] = process.argv.slice(2);
  if (!examples.includes(name) || !folder) {
    console.error(`usage: node plans/example.mjs ${examples.join("|")} <folder>`);
    process.exit(2);
  }
  if (existsSync(folder)) {
    console.error(`${folder} is there already: name a folder that is not`);
    process.exit(1);
  }
  await makeExample(name, resolve(folder));
  console.log(
    `${resolve(folder)} is the repository, and its plan in ${join(folder, "plan")}\nnext: ocaptain sail ${join(folder, "plan")}`,
  );
}
