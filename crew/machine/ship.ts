import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { CrewConfig } from "../../lib/protocol/ship-files.ts";

/** Who this ship is and where its things are: all under `~/voyage`, so that one folder is all there is to look at. */
export type ThisShip = {
  config: CrewConfig;
  home: string;
  /** The crew itself, and what the captain puts there for it. */
  crew: string;
  workspace: string;
  /** The crew's own git directory for the workspace, where no agent has anything to do. */
  repo: string;
  /** Where the ship's own tree is while verify.sh is run in `workspace` (verified-tree.ts). */
  aside: string;
  /** A link to the folder in which `workspace` is the ship's own tree: the captain's sync goes through it. */
  synced: string;
  logs: string;
  /** For verification checkouts; emptied at start. On disk, because /tmp may be memory. */
  scratch: string;
  tokenFile: string;
  /** 0600; holds the helm's bearer header, so that it is in no argv and no hand's environment. */
  gitConfigFile: string;
  /** `OCAPTAIN_CREW=<mark>` is in the environment of everything this crew starts (see stragglers.ts). */
  mark: string;
};

/** Reads `~/voyage/crew/config.json`; throws when it is absent or a field is missing. */
export function readThisShip(home = homedir()): ThisShip {
  const crew = join(home, "voyage", "crew");
  const file = join(crew, "config.json");
  const config = JSON.parse(readFileSync(file, "utf8")) as CrewConfig;
  for (const field of ["voyageId", "stack", "ship", "incarnation", "helmUrl"] as const) {
    if (typeof config[field] !== "string" || config[field] === "") throw new Error(`${file}: "${field}" is missing`);
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

/** The token, read anew each time: `up` may have put a new one there while we work. */
export const readToken = (ship: ThisShip) => readFileSync(ship.tokenFile, "utf8").trim();
