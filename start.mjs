import "./components/node-24.mjs";

// Pulumi maps each stack trace that its SDK takes, hundreds in a run, by source maps. This program has none, and without
// that a run takes less of the processor (docs/bench.md).
Error.prepareStackTrace = undefined;

export const { voyage, ships, tasks, spend, workspace, helm, asOf } = await import("./index.ts");
