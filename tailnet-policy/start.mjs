import "../components/node-24.mjs";

export const { diff } = await import("./index.ts");
