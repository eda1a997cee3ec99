import { sail } from "./components/sail.ts";

export const { summary, voyage, ships, tasks, spend, workspace, helm, asOf } = await sail();
