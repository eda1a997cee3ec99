import "./components/node-24.mjs";

// Pulumi maps each stack trace that its SDK takes, hundreds in a run, to sources by source maps. This program has no
// such maps, and a run takes less of the processor without that (docs/bench.md).
Error.prepareStackTrace = undefined;

export const { summary, voyage, ships, tasks, spend, workspace, helm, asOf } = await import("./index.ts");
