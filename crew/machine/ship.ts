import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { CrewConfig } from "../../lib/protocol/ship-files.ts";

/**
 * Says who this ship is and where its things are: all under `~/voyage`, so that one folder is all there is to look at.
 */
export type ThisShip = {
  config: CrewConfig;
  home: string;
  /** The crew's own files, and what the captain puts there for it. */
  crew: string;
  /** The ship's tree, in which hands work. */
  workspace: string;
  /** The crew's own git directory for the tree, where no agent has anything to do. */
  repo: string;
  /**
   * The folder in which the ship's own tree waits while verify.sh is run in `workspace` (crew/verify/verified-tree.ts).
   */
  aside: string;
  /** A link to the folder in which `workspace` is the ship's own tree: the captain's sync goes through it. */
  synced: string;
  logs: string;
  /** The folder for checkouts of a moment, emptied at each start. It is on disk, because /tmp may be memory. */
  scratch: string;
  tokenFile: string;
  /**
   * A file of git's settings (0600) with the helm's bearer header, so that the token is in no argv and no hand's
   * environment.
   */
  gitConfigFile: string;
  /** The mark of everything that this crew starts (crew/machine/processes.ts). */
  mark: string;
};

/** Reads `~/voyage/crew/config.json`. Throws when the file is absent or one of its fields is missing. */
export function readThisShip(home = homedir()): ThisShip {
  const crew = join(home, "voyage", "crew");
  const file = join(crew, "config.json");
  const config = JSON.parse(readFileSync(file, "utf8")) as CrewConfig;
  for (const field of ["voyageId", "stack", "ship", "incarnation", "helmUrl"] as const) {
    if (typeof config[field] !== "string" || config[field] === "")
      throw new Error(`${file} has no "${field}"; pulumi up writes the file anew`);
  }
  return {
    config,
    home,
    crew,
    workspace: join(home, "voyage", "workspace"),
    repo: join(crew, "repo.git"),
    aside: join(home, "voyage", "aside"),
    synced: join(home, "voyage", "synced"),
    logs: join(home, "voyage", "logs"),
    scratch: join(home, "voyage", "scratch"),
    tokenFile: join(crew, "token"),
    gitConfigFile: join(crew, "gitconfig"),
    mark: `${config.voyageId}/${config.incarnation}`,
  };
}

/** Reads the ship's token, anew each time: `up` may have put a new one there while the crew works. */
export const readToken = (ship: ThisShip) => readFileSync(ship.tokenFile, "utf8").trim();
