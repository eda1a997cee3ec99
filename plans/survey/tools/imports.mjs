// Who imports whom: between folders, which files all lean on, which packages come from outside.
// JavaScript, TypeScript, Python, Go, C and C++; read by pattern, so a rare form may be missed.
import { posix } from "node:path";
import { byMost, countBy, files, isMade, tally, text, writePart } from "./common.mjs";

const paths = files()
  .map((file) => file.path)
  .filter((path) => !isMade(path));
const known = new Set(paths);
const goModule = text("go.mod")?.match(/^module\s+(\S+)/m)?.[1];
const folders = new Set(paths.map((path) => posix.dirname(path)));

const script = {
  match: (path) => /\.[cm]?[jt]sx?$|\.vue$|\.svelte$/.test(path),
  find: /(?:^|[^.\w])(?:import|export)\s+(?:[\w*{}\s,$]+?\s+from\s+)?["']([^"'\n]+)["']|(?:require|import)\(\s*["']([^"'\n]+)["']\s*\)/g,
  resolve(from, name) {
    if (!name.startsWith("."))
      return {
        outside: name.startsWith("node:")
          ? name
          : name
              .split("/")
              .slice(0, name.startsWith("@") ? 2 : 1)
              .join("/"),
      };
    const path = posix.join(posix.dirname(from), name);
    const bare = path.replace(/\.[cm]?js$/, "");
    for (const stem of [path, bare]) {
      for (const end of [
        "",
        ".ts",
        ".tsx",
        ".mts",
        ".js",
        ".jsx",
        ".mjs",
        ".cjs",
        ".vue",
        "/index.ts",
        "/index.tsx",
        "/index.js",
      ]) {
        if (known.has(stem + end)) return { inside: stem + end };
      }
    }
    return {};
  },
};
const python = {
  match: (path) => path.endsWith(".py"),
  find: /^[ \t]*(?:from[ \t]+([.\w]+)[ \t]+import\b|import[ \t]+([.\w]+))/gm,
  resolve(from, name) {
    const dots = name.match(/^\.*/)[0].length;
    const rest = name.slice(dots).replaceAll(".", "/");
    let start = posix.dirname(from);
    for (let i = 1; i < dots; i += 1) start = posix.dirname(start);
    for (const root of dots ? [start] : [start, ".", "src"]) {
      const path = posix.join(root, rest);
      for (const candidate of [`${path}.py`, `${path}/__init__.py`]) if (known.has(candidate)) return { inside: candidate };
    }
    return dots ? {} : { outside: rest.split("/")[0] };
  },
};
const c = {
  match: (path) => /\.(c|h|cc|cpp|cxx|hh|hpp)$/.test(path),
  find: /^[ \t]*#[ \t]*include[ \t]+(?:"([^"\n]+)"|<([^>\n]+)>)/gm,
  resolve(from, name) {
    for (const root of [posix.dirname(from), ".", "include", "src"]) {
      const path = posix.join(root, name);
      if (known.has(path)) return { inside: path };
    }
    return { outside: name };
  },
};
const go = {
  match: (path) => path.endsWith(".go"),
  find: /^[ \t]*(?:import[ \t]+)?(?:[\w.]+[ \t]+)?"([\w./~-]+)"[ \t]*$/gm,
  resolve(_from, name) {
    if (goModule && (name === goModule || name.startsWith(`${goModule}/`))) {
      const folder = name.slice(goModule.length + 1) || ".";
      return folders.has(folder) ? { inside: `${folder}/` } : {};
    }
    return { outside: name };
  },
};

let scanned = 0;
const inside = [];
const outside = [];
for (const path of paths) {
  const language = [script, python, c, go].find((one) => one.match(path));
  const content = language && text(path);
  if (!content) continue;
  scanned += 1;
  const seen = new Set();
  for (const match of content.matchAll(language.find)) {
    const name = match[1] ?? match[2];
    if (seen.has(name)) continue;
    seen.add(name);
    const found = language.resolve(path, name);
    if (found.inside && found.inside !== path) inside.push({ from: path, to: found.inside });
    if (found.outside) outside.push({ from: path, to: found.outside });
  }
}

/** Folders as deep as needed to see more than a few of them. */
const groupAt = (path, depth) => posix.dirname(path).split("/").slice(0, depth).join("/").replace(/^\.$/, "(root)");
const touched = [...new Set(inside.flatMap((edge) => [edge.from, edge.to]))];
const depth = [1, 2, 3].find((d) => new Set(touched.map((path) => groupAt(path, d))).size >= 4) ?? 2;
const edges = tally(
  inside.map((edge) => ({ from: groupAt(edge.from, depth), to: groupAt(edge.to, depth) })),
  (edge) => `${edge.from}\0${edge.to}`,
  (key) => ({ from: key.split("\0")[0], to: key.split("\0")[1], count: 0 }),
  (sum) => (sum.count += 1),
).sort(
  byMost(
    (edge) => edge.count,
    (edge) => `${edge.from}\0${edge.to}`,
  ),
);
writePart(
  "imports",
  {
    scanned,
    inside: inside.length,
    outside: outside.length,
    edges,
    mostImported: countBy(inside, (row) => row.to).slice(0, 20),
    packages: countBy(outside, (row) => row.to).slice(0, 30),
  },
  `${inside.length} imports inside, ${outside.length} from outside, in ${scanned} files`,
);
