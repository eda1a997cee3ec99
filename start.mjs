import "./components/node-24.mjs";

export const { summary, voyage, ships, tasks, spend, workspace, helm, asOf } = await import("./index.ts");
