import { sail } from "./components/sail.ts";

export const { voyage, ships, tasks, spend, workspace, helm, asOf } = await sail();
