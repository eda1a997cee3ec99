import type { LandingFile } from "../../../lib/voyage/landing-file.ts";
import type { History } from "../history.ts";

/** The wave of each task, from 1: how many tasks the longest chain has that it waits for, itself included. */
export type Waves = ReadonlyMap<string, number>;

/** A branch that is to be at the remote: at which commit, and onto which branch it is to be merged. */
export type Head = { branch: string; head: string; base: string; wave?: number; tasks?: readonly string[] };

/** What is to be landed: `held` is the commit of the base that the tip holds, on which everything is put. */
export type ShapeAsk = {
  how: LandingFile["how"];
  branch: string;
  base: string;
  held: string;
  title: string;
  history: History;
  waves: Waves;
};
