import { expect, test } from "vitest";
import { voyageFolderAt } from "../../lib/base/paths.ts";
import { parseSessions } from "../../lib/mutagen/session.ts";
import { type SessionKind, sessionKinds, sessionName, shipSessions } from "../../lib/mutagen/sessions.ts";
import { specDigest } from "../../lib/mutagen/spec.ts";

const folder = voyageFolderAt("/home/me/voyages/voyage-abc", "voyage-abc");
const berth = { voyageId: "3fa9c1", ship: "ship-0", incarnation: "sprite-8d2f2b0e-6c55-4a64-a1c0-f4d1a2b3c4d5" };
const sessions = () => shipSessions({ ...berth, folder, host: "voyage-abc-3fa9c1-ship-0" });

test.each<[SessionKind, string, string, string, string[]]>([
  [
    "tasks",
    "/home/me/voyages/voyage-abc/.claude/tasks",
    "sprite@voyage-abc-3fa9c1-ship-0:~/.claude/tasks",
    "one-way-replica",
    [".lock", "*.lock", "*.tmp.*"],
  ],
  [
    "workspace",
    "/home/me/voyages/voyage-abc/ships/ship-0",
    "sprite@voyage-abc-3fa9c1-ship-0:~/voyage/synced/workspace",
    "two-way-safe",
    [".git"],
  ],
  [
    "logs",
    "sprite@voyage-abc-3fa9c1-ship-0:~/voyage/logs",
    `/home/me/voyages/voyage-abc/logs/ship-0/${berth.incarnation}`,
    "one-way-safe",
    [],
  ],
])("%s goes from %s to %s, %s", (kind, alpha, beta, mode, ignores) => {
  expect(sessions()[kind]).toMatchObject({ name: sessionName(berth, kind), alpha, beta, mode, ignores });
});

test("names fit Mutagen and labels fit Kubernetes' rules, for the longest voyage", () => {
  const longest = { voyageId: "000000", ship: "ship-999", incarnation: "any / shape, of * id ü" };
  for (const kind of sessionKinds) {
    const { name, labels } = shipSessions({ ...longest, folder, host: "h" })[kind];
    expect(name).toMatch(/^[a-z][a-z0-9-]{1,62}$/);
    for (const value of Object.values(labels)) expect(value).toMatch(/^[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?$/);
  }
});

test("each ship, kind and incarnation has a name of its own", () => {
  const names = ["i1", "i2"].flatMap((incarnation) =>
    ["ship-0", "ship-1"].flatMap((ship) =>
      sessionKinds.map((kind) => sessionName({ voyageId: "3fa9c1", ship, incarnation }, kind)),
    ),
  );
  expect(new Set(names).size).toBe(12);
});

test("any change of a spec changes its digest; the same spec does not", () => {
  const { workspace } = sessions();
  expect(specDigest(sessions().workspace)).toBe(specDigest(workspace));
  const changes = [
    { beta: "x" },
    { mode: "two-way-resolved" },
    { ignores: [] },
    { pollingIntervalSeconds: 9 },
    { maxEntries: 1 },
    { symlinks: "ignore" },
  ] as const;
  const digests = changes.map((change) => specDigest({ ...workspace, ...change }));
  expect(new Set([specDigest(workspace), ...digests]).size).toBe(changes.length + 1);
  for (const digest of digests) expect(digest).toMatch(/^[0-9a-f]{32}$/);
});

test("a list of another Mutagen is still understood; what it lacks has defaults", () => {
  const bare = {
    identifier: "sync_1",
    status: "connecting-beta",
    alpha: { path: "/a", connected: true },
    beta: { path: "~/b", host: "ship" },
    brandNew: { x: 1 },
  };
  expect(parseSessions(JSON.stringify([bare]))).toEqual([
    {
      identifier: "sync_1",
      name: "",
      labels: {},
      mirror: null,
      status: "connecting-beta",
      connected: false,
      paused: false,
      halted: null,
      conflicts: [],
      problems: [],
      problemPaths: [],
      problemsCut: false,
      lastError: null,
      cycles: 0,
      clean: false,
      text: "connecting-beta: ship:~/b not connected",
    },
  ]);
  expect(() => parseSessions('[{"name":"no status"}]')).toThrow();
});
