/**
 * Imports point one way (docs/design.md#rooms): lib ← dynamic-providers ← components ← index; helm, harbor, cli → lib;
 * crew takes only types from lib.
 */
const rooms = [
  "lib",
  "dynamic-providers",
  "components",
  "tailnet-policy",
  "helm",
  "harbor",
  "telemetry",
  "crew",
  "cli",
  "web",
  "bench",
  "tests",
  "tools",
  "index.ts",
  "library.ts",
  "start.mjs",
];

/** A rule: `room` may import from the rooms in `allowed`, and from itself. */
const room = (name, allowed) => ({
  name: `${name} → ${allowed.join(", ") || "nothing else"}`,
  severity: "error",
  from: { path: `^${name}/` },
  to: { path: rooms.filter((other) => other !== name && !allowed.includes(other)).map((other) => `^${other}(/|$)`) },
});

/** A rule: a room of the crew may import from the crew's rooms in `allowed`, and from itself. */
const crewRoom = (name, allowed) => ({
  name: `crew/${name} → ${allowed.join(", ") || "no other room of the crew"}`,
  severity: "error",
  from: { path: `^crew/${name}/` },
  to: { path: "^crew/", pathNot: [name, ...allowed].map((other) => `^crew/${other}/`) },
});

export default {
  forbidden: [
    room("lib", []),
    room("dynamic-providers", ["lib"]),
    room("components", ["lib", "dynamic-providers"]),
    room("tailnet-policy", ["lib", "components"]),
    room("helm", ["lib"]),
    room("harbor", ["lib"]),
    room("telemetry", ["lib"]),
    room("cli", ["lib", "tools"]),
    {
      name: "cli takes of tools no more than the environment and set-up",
      severity: "error",
      from: { path: "^cli/" },
      to: { path: "^tools/", pathNot: "^tools/(environment|setup|setup/state)\\.mjs$" },
    },
    room("crew", ["lib"]),
    crewRoom("machine", []),
    crewRoom("tailnet", []),
    crewRoom("window", ["machine"]),
    crewRoom("helm", ["machine"]),
    crewRoom("tree", ["machine", "helm"]),
    crewRoom("claim", ["machine", "window", "helm", "tree"]),
    crewRoom("gates", ["machine", "helm", "claim"]),
    crewRoom("verify", ["machine", "helm", "tree", "claim"]),
    crewRoom("provision", ["machine", "tree", "verify"]),
    room("tools", ["lib"]),
    room("web", ["lib"]),
    {
      name: "the page takes of lib types, and what is between it and the helm: it runs in a browser",
      severity: "error",
      from: { path: "^web/" },
      to: { path: "^lib/", pathNot: "^lib/watch/page-api\\.ts$", dependencyTypesNot: ["type-only"] },
    },
    {
      name: "harbor/ imports http → sprites → vm",
      severity: "error",
      from: { path: "^harbor/(vm|sprites)/" },
      to: { path: "^harbor/(http/|main\\.ts|harbor\\.ts)" },
    },
    {
      name: "harbor/vm/ knows no sprite of the API",
      severity: "error",
      from: { path: "^harbor/vm/" },
      to: { path: "^harbor/sprites/" },
    },
    {
      name: "lib/tailnet/ imports node → control and policy → control",
      severity: "error",
      from: { path: "^lib/tailnet/(control|node|policy)/" },
      to: { path: "^lib/tailnet/", pathNot: "^lib/tailnet/($1|control)/" },
    },
    {
      name: "crew takes only types from lib: a ship has neither lib nor node_modules",
      severity: "error",
      from: { path: "^crew/" },
      to: { path: ["^lib/", "node_modules"], dependencyTypesNot: ["type-only"] },
    },
    {
      name: "no Pulumi in lib, helm, harbor, telemetry, crew",
      severity: "error",
      from: { path: "^(lib|helm|harbor|telemetry|crew)/" },
      to: { path: "@pulumi/" },
    },
    {
      name: "no development dependency in what is run",
      severity: "error",
      from: { path: "^(lib|dynamic-providers|components|tailnet-policy|helm|harbor|telemetry|crew|cli|index\\.ts|library\\.ts)" },
      to: { dependencyTypes: ["npm-dev"], dependencyTypesNot: ["type-only"] },
    },
    {
      name: "a resource kind imports no other: what two kinds need is in dynamic-providers/shared/",
      severity: "error",
      from: { path: "^dynamic-providers/([^/]+)/", pathNot: "^dynamic-providers/(shared|process)/" },
      to: { path: "^dynamic-providers/[^/]+/", pathNot: "^dynamic-providers/($1|shared)/" },
    },
    {
      name: "dynamic-providers/shared/ and process/ know no resource kind",
      severity: "error",
      from: { path: "^dynamic-providers/(shared|process)/" },
      to: { path: "^dynamic-providers/[^/]+/", pathNot: "^dynamic-providers/$1/" },
    },
    {
      name: "a resource class loads no more than its delegate: the program does none of a lifecycle's work",
      severity: "error",
      from: { path: "^dynamic-providers/[^/]+/resource\\.ts$" },
      to: {
        path: "^(lib|dynamic-providers)/",
        pathNot: "^dynamic-providers/delegated-resource\\.ts$",
        dependencyTypesNot: ["type-only"],
      },
    },
    {
      name: "SQLite only in the helm's ledger, in locks, and where a ledger is read that no helm has open",
      severity: "error",
      from: { pathNot: ["^helm/ledger/", "^lib/base/os-lock\\.ts$", "^lib/plan/read-ledger\\.ts$", "^tests/"] },
      to: { path: "^(node:)?sqlite$" },
    },
    { name: "no circle, types included", severity: "error", from: {}, to: { circular: true } },
    { name: "no import of what is not there", severity: "error", from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    exclude: { path: "^(\\.tools|\\.demo|web/dist|node_modules/\\.)" },
    doNotFollow: { path: "node_modules" },
    tsConfig: { fileName: "tsconfig.json" },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      extensions: [".ts", ".tsx", ".mjs", ".js", ".json"],
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "default"],
    },
  },
};
