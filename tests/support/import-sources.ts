import { join } from "node:path";
import type { Format } from "../../cli/plan/import/shape.ts";

/** The folder of files to be imported. Their shapes are those of public files, and the words are our own. */
export const IMPORTS = join(import.meta.dirname, "..", "fixtures", "imports");

/** The source of each format in that folder; GitHub's is a service (stand-in-github.ts). */
export const SOURCES: Record<Exclude<Format, "github">, string> = {
  "spec-kit": "spec-kit/specs/004-tide-tables",
  openspec: "openspec/openspec/changes/add-moorings",
  "task-master": "task-master",
  beads: "beads/issues.jsonl",
  backlog: "backlog",
};
