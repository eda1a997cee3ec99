// Runs in a ship for the harbor's file calls: `node fs.mjs OPERATION JSON`. So a ship's links are followed in the ship,
// never outside. It answers on stdout; a failure is one JSON line on stderr, and exit status 1.
import { createWriteStream } from "node:fs";
import { chmod, cp, lstat, mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join, matchesGlob, resolve } from "node:path";
import { pipeline } from "node:stream/promises";

const [operation, json] = process.argv.slice(2);
const options = JSON.parse(json);
const at = (path) => resolve(inHome(options.workingDir || "/"), inHome(path));
/** A path in which `~` means the home, which a client of an unconfined ship cannot know. */
const inHome = (path) => path.replace(/^~(?=\/|$)/, () => process.env.HOME);

const operations = {
  async read() {
    const bytes = await readFile(at(options.path));
    await new Promise((done) => process.stdout.write(bytes, done));
  },
  async write() {
    const path = at(options.path);
    if (options.mkdirParents) await mkdir(dirname(path), { recursive: true });
    const mode = Number.parseInt(options.mode || "0644", 8);
    const file = await open(path, "w", mode);
    await pipeline(process.stdin, createWriteStream(path, { fd: file }));
    await chmod(path, mode);
    const { size } = await lstat(path);
    answer({ path, size, mode: mode.toString(8).padStart(4, "0") });
  },
  async list() {
    const path = at(options.path);
    const found = (await stat(path)).isDirectory() ? await walk(path) : [path];
    const wanted = options.pattern ? found.filter((file) => matchesGlob(basename(file), options.pattern)) : found;
    const entries = await Promise.all(wanted.map(entry));
    // As at the vendor, an empty folder's entries are null, not [].
    answer({ path, entries: entries.length > 0 ? entries : null, count: entries.length });
  },
  async delete() {
    await rm(at(options.path), { recursive: options.recursive === true });
    answer({ path: at(options.path) });
  },
  async rename() {
    await rename(at(options.source), at(options.dest));
    answer({ source: at(options.source), dest: at(options.dest) });
  },
  async copy() {
    await cp(at(options.source), at(options.dest), {
      recursive: options.recursive === true,
      preserveTimestamps: options.preserveAttrs === true,
    });
    answer({ source: at(options.source), dest: at(options.dest) });
  },
  async chmod() {
    await chmod(at(options.path), Number.parseInt(options.mode, 8));
    answer({ path: at(options.path), mode: options.mode });
  },
};

async function walk(folder) {
  const found = [];
  for (const item of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, item.name);
    found.push(path);
    if (options.recursive && item.isDirectory()) found.push(...(await walk(path)));
  }
  return found.sort();
}

async function entry(path) {
  const stats = await lstat(path);
  const type = stats.isDirectory() ? "directory" : stats.isSymbolicLink() ? "symlink" : "file";
  const mode = (stats.mode & 0o7777).toString(8).padStart(4, "0");
  return {
    name: basename(path),
    path,
    type,
    size: stats.size,
    mode,
    modTime: stats.mtime.toISOString(),
    isDir: stats.isDirectory(),
  };
}

const answer = (value) => process.stdout.write(JSON.stringify(value));

const TEXTS = {
  ENOENT: "no such file or directory",
  EACCES: "permission denied",
  EISDIR: "is a directory",
  ENOTDIR: "not a directory",
  ENOTEMPTY: "directory not empty",
  EROFS: "read-only file system",
  ETXTBSY: "text file busy",
};

try {
  await operations[operation]();
} catch (error) {
  const code = error.code === "ERR_FS_EISDIR" ? "EISDIR" : (error.code ?? "EIO");
  const path = error.path ?? options.path ?? options.source;
  process.stderr.write(JSON.stringify({ code, path, message: `${operation} ${path}: ${TEXTS[code] ?? error.message}` }));
  process.exitCode = 1;
}
