/**
 * Does to a tree and its git what an agent can do, and looks whether what the crew says of it is true.
 * `tree-property.test.ts` runs this as a program of its own, since the superuser is kept from reading a file only by
 * taking that power from a whole process. Its arguments are seeds, each for some doings by chance, or `each` for one
 * doing after the other. It prints a JSON line a round.
 */
import { execFileSync } from "node:child_process";
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Journal } from "../../crew/machine/journal.ts";
import { readThisShip } from "../../crew/machine/ship.ts";
import { Tree } from "../../crew/tree/tree.ts";
import { gitIn } from "../support/git.ts";
import { tempFolder } from "../support/test-ship.ts";

const folder = tempFolder();
const bare = join(folder, "git", "abc123");
const home = join(folder, "home");
const BRANCH = "voyage-test";

/**
 * What an agent does. Its token must be found again: in the commit, in what is kept as left, or in a file that git
 * ignores; or the work was refused.
 */
type Doing = { name: string; run: (token: string) => string };
const DOINGS: Doing[] = [
  { name: "edits", run: (t) => `echo ${t} >> f.txt` },
  {
    name: "writes new files",
    run: (t) => `mkdir -p 'new folder/deep'; echo ${t} > 'new folder/deep/a b'; echo ${t} > ' spaced '`,
  },
  { name: "uses names that are no text", run: (t) => `echo ${t} > $(printf 'odd\\377name')` },
  { name: "makes a file executable", run: (t) => `chmod +x tool.sh; echo '#' ${t} >> tool.sh` },
  { name: "makes links", run: (t) => `ln -sfn /etc/passwd out-${t}; ln -sfn nowhere dangling-${t}` },
  { name: "makes a folder of a file", run: (t) => `rm -rf swap; mkdir swap; echo ${t} > swap/in` },
  { name: "removes and renames", run: (t) => `rm -f gone.txt; mv -f f.txt moved-${t}.txt 2>/dev/null; echo ${t} >> f.txt` },
  { name: "writes what is ignored", run: (t) => `mkdir -p cache; echo ${t} > cache/c; echo ${t} > x.log` },
  { name: "adds what is ignored", run: (t) => `mkdir -p cache; echo ${t} > cache/forced; git add -f cache/forced` },
  { name: "changes what is ignored", run: (t) => `echo '*.tmp' >> .gitignore; echo ${t} > a.tmp` },
  {
    name: "changes attributes",
    run: (t) => `printf 'f.txt ident\\n*.u merge=union\\n*.z filter=gone\\n' >> .gitattributes; echo ${t} > b.z`,
  },
  { name: "uses a filter that is not here", run: (t) => `echo '*.bin filter=lfs' >> .gitattributes; echo ${t} > big.bin` },
  { name: "leaves an unreadable folder", run: (t) => `mkdir -p dark; echo ${t} > dark/f; chmod 000 dark` },
  { name: "leaves an unreadable file", run: (t) => `echo ${t} > dark.txt; chmod 000 dark.txt` },
  { name: "leaves a read-only folder", run: (t) => `mkdir -p pkg/mod; echo ${t} > pkg/mod/f; chmod -R a-w pkg` },
  {
    name: "leaves a repository",
    run: (t) => `git init -q lib-${t}; echo ${t} > lib-${t}/x; git -C lib-${t} add x; git -C lib-${t} commit -qm x`,
  },
  { name: "leaves a new repository", run: (t) => `git init -q lib-${t}; echo ${t} > lib-${t}/x` },
  { name: "writes into a submodule", run: (t) => `mkdir -p sub; echo ${t} > sub/x` },
  {
    name: "moves a submodule",
    run: (t) => `rm -rf sub; git init -q sub; echo ${t} > sub/x; git -C sub add x; git -C sub commit -qm ${t}`,
  },
  {
    name: "makes a submodule files",
    run: (t) => `mkdir -p sub; echo ${t} > sub/x; git config -f .gitmodules --remove-section submodule.sub`,
  },
  { name: "stashes", run: (t) => `echo ${t} > st1; git stash -q -u; echo ${t}2 > st2; git stash -q -u` },
  {
    name: "commits beside",
    run: (t) => `git checkout -q -b side-${t}; echo ${t} > w; git add w; git commit -qm w; git checkout -q -`,
  },
  {
    name: "tags and packs",
    run: (t) =>
      `git checkout -q --detach; echo ${t} > w2; git add w2; git commit -qm w; git tag -m t v-${t}; git checkout -q -; git pack-refs --all`,
  },
  { name: "commits", run: (t) => `echo ${t} > own; git add -A .; git commit -qm own; git gc -q` },
  {
    name: "hides by the index",
    run: (t) =>
      `git update-index --skip-worktree f.txt; git update-index --assume-unchanged tool.sh; echo ${t} >> f.txt; echo ${t} >> tool.sh`,
  },
  { name: "hides by exclude", run: (t) => `mkdir -p .git/info; echo '*.new' >> .git/info/exclude; echo ${t} > a.new` },
  {
    name: "hides by settings",
    run: (t) =>
      `git config core.fileMode false; git config core.excludesFile "$PWD/../ex"; echo '*' > ../ex; echo ${t} > b.new; chmod +x tool.sh`,
  },
  {
    name: "sets attributes aside",
    run: (t) =>
      `mkdir -p .git/info; echo '* filter=bad text eol=crlf' > .git/info/attributes; git config filter.bad.clean false; git config filter.bad.required true; echo ${t} > c.new`,
  },
  { name: "breaks settings", run: (t) => `git config core.bare true; git config core.worktree /none; echo ${t} > d.new` },
  { name: "breaks the settings file", run: (t) => `echo '[[[' >> .git/config; echo ${t} > e.new` },
  { name: "goes sparse", run: (t) => `git sparse-checkout set --no-cone /f.txt; echo ${t} > g.new` },
  {
    name: "leaves locks",
    run: (t) => `touch .git/HEAD.lock .git/index.lock .git/config.lock .git/refs/heads/ship-0.lock; echo ${t} > h.new`,
  },
  { name: "removes .git", run: (t) => `chmod -R u+rwx .git; rm -rf .git; echo ${t} > i.new` },
  { name: "begins .git anew", run: (t) => `rm -rf .git; git init -q .; echo ${t} > j.new` },
  { name: "makes .git a file", run: (t) => `rm -rf .git; echo "gitdir: /nowhere" > .git; echo ${t} > k.new` },
  { name: "breaks .git", run: (t) => `echo x > .git/index; echo x > .git/HEAD; rm -rf .git/objects; echo ${t} > l.new` },
  { name: "locks .git", run: (t) => `echo ${t} > m.new; mkdir -p .git/x/y; chmod 000 .git/x` },
  { name: "leaves a pipe", run: (t) => `mkfifo pipe-${t}` },
  { name: "moves HEAD", run: (t) => `echo ${t} > n.new; git checkout -q HEAD~1` },
];

const shell = (command: string) => {
  const env = {
    PATH: process.env.PATH!,
    HOME: home,
    GIT_AUTHOR_NAME: "a",
    GIT_AUTHOR_EMAIL: "a@a",
    GIT_COMMITTER_NAME: "a",
    GIT_COMMITTER_EMAIL: "a@a",
  };
  try {
    execFileSync("bash", ["-c", command], { cwd: ship.workspace, env, stdio: ["ignore", "ignore", "pipe"], timeout: 20_000 });
  } catch {} // an agent's commands fail, too
};

mkdirSync(join(home, "voyage", "crew"), { recursive: true });
const config = {
  voyageId: "abc123",
  stack: BRANCH,
  ship: "ship-0",
  incarnation: "i",
  helmUrl: `file://${folder}`,
  taskList: "t",
};
writeFileSync(join(home, "voyage/crew/config.json"), JSON.stringify(config));
writeFileSync(join(home, "voyage/crew/token"), "token");
const ship = readThisShip(home);
process.stdout.write = (
  (write) => (text: string | Uint8Array) =>
    String(text).startsWith("{") ? write(text) : true
)(process.stdout.write.bind(process.stdout)) as typeof process.stdout.write;
const tree = new Tree(ship, new Journal(ship.logs), 20_000);
const { signal } = new AbortController();

function seed(): void {
  const at = join(folder, "seed");
  mkdirSync(at);
  gitIn(at, "init", "--quiet", `--initial-branch=${BRANCH}`);
  for (const [name, text] of Object.entries({
    "f.txt": "f",
    "tool.sh": "x",
    swap: "s",
    "gone.txt": "g",
    ".gitignore": "cache/\n*.log",
  }))
    writeFileSync(join(at, name), `${text}\n`);
  gitIn(at, "add", "--all");
  gitIn(at, "commit", "--quiet", "-m", "one");
  gitIn(at, "config", "--file", ".gitmodules", "submodule.sub.path", "sub");
  gitIn(at, "config", "--file", ".gitmodules", "submodule.sub.url", "https://sub.invalid/x.git");
  gitIn(at, "add", "--all");
  gitIn(at, "update-index", "--add", "--cacheinfo", `160000,${"1".repeat(40)},sub`);
  gitIn(at, "commit", "--quiet", "-m", "two");
  gitIn(folder, "clone", "--quiet", "--bare", at, bare);
}

/** Reads every file below the tree, but for .git, as far as this process may. */
function filesOf(at: string, below = ""): Map<string, string> {
  const found = new Map<string, string>();
  for (const entry of readdirSync(join(at, below), {
    withFileTypes: true,
    encoding: "latin1" as BufferEncoding,
  }) as unknown as import("node:fs").Dirent<string>[]) {
    if (entry.name === ".git") continue;
    const path = below ? `${below}/${entry.name}` : entry.name;
    const full = Buffer.from(`${at}/${path}`, "latin1");
    if (entry.isDirectory()) for (const [name, text] of filesOf(at, path)) found.set(name, text);
    else if (entry.isSymbolicLink()) found.set(path, `link ${readlinkSync(full)}`);
    else if (entry.isFile()) found.set(path, `${(lstatSync(full).mode & 0o100) > 0} ${readFileSync(full, "latin1")}`);
    else found.set(path, "special");
  }
  return found;
}

/** Texts of blobs by their id: most files are the same from round to round. */
const blobs = new Map<string, string>();

/** Reads every file of a commit, from git alone. */
function filesIn(commit: string): Map<string, string> {
  const entries = execFileSync("git", ["--git-dir", bare, "ls-tree", "-r", "-z", commit])
    .toString("latin1")
    .split("\0")
    .filter(Boolean);
  return new Map(
    entries.flatMap((entry) => {
      const [, mode = "", type, id = "", path = ""] = /^(\d+) (\w+) (\w+)\t([\s\S]+)$/.exec(entry)!;
      if (type === "commit") return [];
      const text = blobs.get(id) ?? execFileSync("git", ["--git-dir", bare, "cat-file", "blob", id]).toString("latin1");
      blobs.set(id, text);
      return [[path, mode === "120000" ? `link ${text}` : `${mode === "100755"} ${text}`] as const];
    }),
  );
}

function isKept(token: string): boolean {
  const refs = execFileSync("git", ["--git-dir", bare, "rev-list", "--all"]).toString().trim().split("\n");
  const grep = (...args: string[]) => {
    try {
      return execFileSync("git", ["--git-dir", bare, ...args, ...refs], { maxBuffer: 1 << 28 }).toString() !== "";
    } catch {
      return false;
    }
  };
  if (grep("grep", "-lF", "--text", token)) return true;
  return execFileSync("git", ["--git-dir", bare, "rev-list", "--all", "--objects"], { maxBuffer: 1 << 28 }).includes(token);
}

/** Draws two to four doings by chance. */
function drawn(from: number): Doing[] {
  const random = mulberry(from);
  return Array.from({ length: 2 + Math.floor(random() * 3) }, () => DOINGS[Math.floor(random() * DOINGS.length)]!);
}

async function round(seedOf: number, doings: readonly Doing[]): Promise<void> {
  const tip = gitIn(bare, "rev-parse", BRANCH);
  tree.assign(String(seedOf), 1);
  await tree.reset(BRANCH, tip, signal);
  const trouble: string[] = [];
  const begun = filesOf(ship.workspace);
  const wanted = filesIn(tip);
  for (const [path, text] of begun) {
    if (wanted.get(path) !== text && !/^cache\/|\.log$|\.tmp$/.test(path))
      trouble.push(`begins with ${path}, which is not in the tip`);
  }
  for (const path of wanted.keys()) if (!begun.has(path)) trouble.push(`begins without ${path}`);
  for (const asked of [
    ["status", "--porcelain", "--ignore-submodules"],
    ["stash", "list"],
    ["branch", "--list", "--format=%(refname:short)"],
  ]) {
    const said = gitIn(ship.workspace, ...asked);
    if (said !== "" && said !== "ship-0") trouble.push(`begins with git ${asked[0]} saying ${said}`);
  }
  const tokens = doings.map((_, nth) => `T${seedOf}x${nth}y`);
  for (const [nth, doing] of doings.entries()) shell(doing.run(tokens[nth]!));

  let refused = "";
  let ignored: string[] = [];
  let aside = "";
  try {
    const offered = await tree.commit([tip], `round ${seedOf}\n`, signal);
    ignored = offered.ignored;
    await tree.push(offered.commit, String(seedOf), 1, signal);
    aside = await tree.saveAside(offered.commit, signal);
    gitIn(bare, "update-ref", `refs/heads/${BRANCH}`, offered.commit);
    const [lies, has] = [filesOf(ship.workspace), filesIn(offered.commit)];
    const isIgnored = (path: string) => ignored.some((name) => name === path || (name.endsWith("/") && path.startsWith(name)));
    for (const [path, text] of lies)
      if (has.get(path) !== text && !isIgnored(path) && !/^cache\/|\.log$|\.tmp$/.test(path) && begun.get(path) !== text)
        trouble.push(`accepted without ${JSON.stringify(path)}`);
    for (const path of has.keys()) if (!lies.has(path)) trouble.push(`accepted with ${path}, which was removed`);
  } catch (error) {
    refused = (error as Error).message;
  }
  // The next claim begins; what was not delivered must be kept by then.
  tree.assign(String(seedOf), 2);
  await tree.reset(BRANCH, gitIn(bare, "rev-parse", BRANCH), signal);
  for (const [nth, token] of tokens.entries()) {
    const { name } = doings[nth]!;
    const elsewhere = [...filesOf(ship.workspace)].some(([path, text]) => `${path} ${text}`.includes(token));
    const isLost = !isKept(token) && !elsewhere && !existsSync(join(ship.workspace, token));
    const cannotBe =
      name === "leaves a pipe" || /removes \.git|\.git anew|\.git a file|breaks \.git/.test(doings.map((one) => one.name).join());
    if (isLost && !cannotBe) trouble.push(`lost what an agent did who ${name}`);
  }
  rmSync(join(home, "voyage", "ex"), { force: true });
  console.log(
    JSON.stringify({
      seed: seedOf,
      doings: doings.map(({ name }) => name),
      refused: refused.slice(0, 400),
      ignored,
      aside,
      trouble,
    }),
  );
}

function mulberry(from: number): () => number {
  let state = from;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

try {
  seed();
  for (const word of process.argv.slice(2)) {
    if (word === "each") for (const [nth, doing] of DOINGS.entries()) await round(nth + 1, [doing]);
    else await round(Number(word), drawn(Number(word)));
  }
} finally {
  execFileSync("chmod", ["-R", "u+rwX", folder]);
  rmSync(folder, { recursive: true, force: true });
}
