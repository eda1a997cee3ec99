import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { voyageFolder } from "../../lib/base/paths.ts";
import { openMutagen } from "../../lib/mutagen/client.ts";
import { leadsOut, PUT_ASIDE, placeInMirror, putLinksAside } from "../../lib/mutagen/mirror-links.ts";
import { shipSessions } from "../../lib/mutagen/sessions.ts";

let home: string;
let mirror: string;
beforeEach(() => {
  home = realpathSync(mkdtempSync(join(tmpdir(), "oc-ml-")));
  mirror = join(home, "mirror");
  mkdirSync(mirror);
  writeFileSync(join(home, "secret"), "the captain's");
});
afterEach(() => rmSync(home, { recursive: true, force: true, maxRetries: 5 }));

const link = (path: string, target: string) => {
  mkdirSync(dirname(join(mirror, path)), { recursive: true });
  symlinkSync(target, join(mirror, path));
};
const isInside = (path: string) => {
  try {
    const real = realpathSync(path);
    return real === mirror || real.startsWith(`${mirror}/`);
  } catch {
    return true; // It leads nowhere.
  }
};

describe("no way through links leaves a mirror", () => {
  test.each([
    ["the root, and on", { "a/b/up": "../..", "a/b/x": "up/../secret" }, ["a/b/x"]],
    ["a chain of links", { "a/one": "..", "a/two": "one/..", x: "a/two/secret", y: "x" }, ["a/two"]],
    ["`a -> .`", { a: ".", x: "a/a/../../secret" }, ["x"]],
    ["a folder, to all that is outside", { "a/b/c/up": "../../..", src: "a/b/c/up/../../../.." }, ["src"]],
    ["an absolute link", { x: "/etc/passwd" }, ["x"]],
    ["one step too many", { "a/x": "../../secret" }, ["a/x"]],
    ["a link in a link's folder", { "real/deep/f": "../../..", d: "real/deep", x: "d/../../secret" }, ["real/deep/f", "x"]],
    ["what is not there yet", { x: "later/../../secret" }, ["x"]],
    ["a loop", { a: "b/..", b: "a" }, ["a"]],
  ])("by %s", async (_how, links, aside) => {
    for (const [path, target] of Object.entries(links)) link(path, target);
    expect((await putLinksAside(mirror)).sort()).toEqual(aside);
    for (const path of Object.keys(links)) expect(isInside(join(mirror, path)), path).toBe(true);
    for (const path of aside) expect(readlinkSync(join(mirror, path))).toBe(PUT_ASIDE);
    expect(await putLinksAside(mirror), "once").toEqual([]);
  });

  test("links that stay inside stay as they are, and nothing but links is touched", async () => {
    const links = {
      "a/b/x": "../../f",
      "node_modules/.bin/t": "../t/bin.js",
      lib64: "lib",
      "a/self": "./b/../b".replace("/..", ""),
      "a/b/root": "../..",
      dangling: "not/there",
    };
    for (const [path, target] of Object.entries(links)) link(path, target);
    writeFileSync(join(mirror, "f"), "file");
    expect(await putLinksAside(mirror)).toEqual([]);
    for (const [path, target] of Object.entries(links)) expect(readlinkSync(join(mirror, path))).toBe(target);
    expect(readFileSync(join(mirror, "f"), "utf8")).toBe("file");
  });

  test("it follows none itself: what lies outside stays as it is", async () => {
    mkdirSync(join(home, "outside"));
    symlinkSync("/etc", join(home, "outside", "theirs"));
    link("out", "../outside");
    expect(await putLinksAside(mirror)).toEqual(["out"]);
    expect(readlinkSync(join(home, "outside", "theirs"))).toBe("/etc");
    rmSync(join(mirror, "out"));
    symlinkSync(join(home, "outside"), join(home, "mirror-by-link"));
    expect(await putLinksAside(join(home, "none"))).toEqual([]);
  });

  test("whatever links there are: after one look no path through any of them is outside (property)", async () => {
    const name = fc.constantFrom("a", "b", "c");
    const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join("/"));
    const target = fc
      .array(fc.constantFrom("..", ".", "a", "b", "c", "secret"), { minLength: 1, maxLength: 6 })
      .map((steps) => steps.join("/"));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(path, target), { maxLength: 8 }), target, async (links, beyond) => {
        rmSync(mirror, { recursive: true, force: true });
        mkdirSync(mirror);
        for (const [at, to] of links)
          try {
            link(at, to);
          } catch {} // Something is there already.
        await putLinksAside(mirror);
        for (const [at] of links) {
          expect(isInside(join(mirror, at))).toBe(true);
          // From there it goes on by names, because the steps up are those of whoever goes there.
          const on = beyond
            .split("/")
            .filter((step) => step !== "..")
            .join("/");
          expect(isInside(`${mirror}/${at}/${on}`)).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });

  test("read as text alone a target is not enough", () => {
    expect(leadsOut("up/../../../x", 3)).toBe(true);
    expect([leadsOut("../../x", 2), leadsOut("../../x", 1), leadsOut("././../x", 1), leadsOut("a/./b//c", 0)]).toEqual([
      false,
      true,
      false,
      false,
    ]);
  });

  test("a path that a sync names is taken where no link leads, and only in the mirror", async () => {
    mkdirSync(join(mirror, "a"));
    link("l", "a");
    expect(await placeInMirror(mirror, "a/f")).toBe(join(mirror, "a/f"));
    for (const bad of ["../secret", "a/../../secret", "/etc/passwd", "l/f", "none/f", "a//f", ""])
      expect(await placeInMirror(mirror, bad), bad).toBeNull();
  });
});

test("by a real sync: the link is put aside at the captain, is named, and the ship keeps its own; deleted there, nothing comes back", {
  timeout: 60_000,
}, async () => {
  Object.assign(process.env, { OCAPTAIN_HOME: join(home, "h"), OCAPTAIN_VOYAGES: join(home, "v") });
  const folder = voyageFolder("sea");
  const ship = join(home, "ship");
  mkdirSync(join(ship, "a/b"), { recursive: true });
  symlinkSync("../..", join(ship, "a/b/up"));
  symlinkSync("up/../../../secret", join(ship, "a/b/notes.md"));
  const spec = {
    ...shipSessions({ folder, voyageId: "abc123", ship: "ship-0", incarnation: "i", host: "h" }).workspace,
    beta: ship,
  };
  const mutagen = openMutagen({ dataDirectory: join(home, "m") });
  try {
    await mutagen.firstCycle(await mutagen.ensureSession(spec));
    const at = join(folder.mirror("ship-0"), "a/b/notes.md");
    expect(readlinkSync(at), "put aside with the first cycle").toBe(PUT_ASIDE);
    symlinkSync("a/b/up/../../secret", join(ship, "later"));
    const seen = await mutagen.flush(spec.name);
    expect(seen.problems).toEqual([
      expect.stringMatching(/^a\/b\/notes\.md: a link by which one could leave the mirror/),
      expect.stringMatching(/^later: a link/),
    ]);
    expect(readlinkSync(join(ship, "a/b/notes.md"))).toBe("up/../../../secret");
    expect(lstatSync(at).isSymbolicLink() && !existsSync(at)).toBe(true);
    for (const path of ["a/b/notes.md", "later"]) rmSync(join(ship, path));
    await mutagen.flush(spec.name);
    for (const path of [at, join(folder.mirror("ship-0"), "later")]) rmSync(path);
    const after = await mutagen.flush(spec.name);
    expect([after.clean, existsSync(at)]).toEqual([true, false]);
  } finally {
    await mutagen.terminate(spec.name);
    await mutagen.stopDaemon();
  }
});
