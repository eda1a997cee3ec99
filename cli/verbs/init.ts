import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { OcaptainError } from "../../lib/base/errors.ts";
import { PROJECT } from "../../lib/base/program-file.ts";
import { shellWord, typedWord } from "../../lib/base/shell-word.ts";
import { plainJson } from "../../lib/base/text.ts";
import type { Io } from "../output/io.ts";
import { IGNORED, INDEX, newProject, writeNew } from "../sail/new-project.ts";

/**
 * `ocaptain init [folder]` makes a Pulumi project and an example of a plan. It asks nothing, leaves every file that is
 * there as it is, and says which, and what comes next.
 * @throws OcaptainError OTHER_PROJECT where another program's files would stand in the way of ours
 */
export async function init(word: string | undefined, io: Io): Promise<void> {
  const folder = resolve(word ?? ".");
  await refuseOther(folder);
  const written: string[] = [];
  const left: string[] = [];
  for (const [name, text] of Object.entries(newProject()))
    ((await writeNew(join(folder, name), text)) ? written : left).push(name);
  const todo = [...(await toIgnore(folder, left)), ...(await toInstall(folder, left))];
  const next = [
    "ocaptain sail plans/example",
    "pulumi stack init voyage-abc",
    "pulumi config set ocaptain:plan plans/example -s voyage-abc",
    "pulumi up -s voyage-abc",
  ];
  if (io.json) return io.out(plainJson({ folder, written, left, todo, next }, 2));
  const way = relative(process.cwd(), folder);
  const here = way.startsWith("..") ? folder : way;
  io.out(written.length > 0 ? `made in ${folder}:` : `nothing to make in ${folder}`);
  for (const name of written) io.out(`  ${name}`);
  if (left.length > 0) io.out(`left as they were: ${left.join(", ")}`);
  io.out("next:");
  if (here) io.out(`  cd ${typedWord(here)}`);
  for (const line of todo) io.out(`  ${line}`);
  io.out(`  ${next[0]}  # commit first what is to sail`);
  io.out(`  # or by Pulumi: ${next.slice(1).join(" && ")}`);
}

/** Refuses a folder in which our files would be another program's. */
async function refuseOther(folder: string): Promise<void> {
  const has = async (name: string) => (existsSync(join(folder, name)) ? await readFile(join(folder, name), "utf8") : null);
  const [project, index, manifest] = await Promise.all(["Pulumi.yaml", "index.ts", "package.json"].map(has));
  const because = (what: string) =>
    new OcaptainError("OTHER_PROJECT", `${folder} has ${what}, and nothing is overwritten`, {
      hint: `ocaptain init ${join(relative(process.cwd(), folder), "voyages")}  # a folder of its own`,
    });
  if (typeof project === "string" && !/^name: ocaptain$/m.test(project)) throw because("a Pulumi.yaml of another project");
  if (typeof index === "string" && index !== INDEX && !/from "ocaptain"/.test(index))
    throw because("an index.ts of another program");
  if (typeof manifest === "string" && typeOf(manifest) !== "module")
    throw because('a package.json without "type": "module", which the program needs');
}

function typeOf(manifest: string): unknown {
  try {
    return (JSON.parse(manifest) as { type?: unknown }).type;
  } catch {
    return undefined;
  }
}

/** The command that has git ignore what it must, where a .gitignore was left as it was. */
async function toIgnore(folder: string, left: readonly string[]): Promise<string[]> {
  if (!left.includes(".gitignore")) return [];
  const has = (await readFile(join(folder, ".gitignore"), "utf8")).split("\n").map((line) => line.trim().replace(/^\//, ""));
  const lacks = IGNORED.filter((line) => !has.includes(line) && !has.includes(line.replace(/\/$/, "")));
  return lacks.length > 0 ? [`printf '%s\\n' ${lacks.map(shellWord).join(" ")} >> .gitignore`] : [];
}

/** The command that installs the packages: what runs here is linked to, since it is in no registry. */
async function toInstall(folder: string, left: readonly string[]): Promise<string[]> {
  if (folder === PROJECT || existsSync(join(folder, "node_modules", "ocaptain"))) return [];
  return [`npm install ${shellWord(PROJECT)}${left.includes("package.json") ? " @pulumi/pulumi" : ""}`];
}
