import { homedir } from "node:os";
import { join, resolve } from "node:path";

/**
 * Where things are on the captain's machine. Every absolute path of the project comes from here, at run time:
 * none is stored in Pulumi's state, which another machine may read.
 */

/** A path as a shell takes it, for where none has read it (a `.env` file, a plan, a setting): `~` and `~/…` are the home folder. */
export const withHome = (path: string): string =>
  path === "~" ? homedir() : path.startsWith("~/") ? join(homedir(), path.slice(2)) : path;

/** Machine-wide state: harbor, helm, one Mutagen daemon per voyage. `OCAPTAIN_HOME`, default `~/.ocaptain`. Holds unix sockets, so keep it short. */
export function ocaptainHome(): string {
  return resolve(withHome(process.env.OCAPTAIN_HOME || "~/.ocaptain"));
}

/** Root of the captain's folders. `OCAPTAIN_VOYAGES`, default `~/voyages`. */
export function voyagesRoot(): string {
  return resolve(withHome(process.env.OCAPTAIN_VOYAGES || "~/voyages"));
}

export const harborHome = () => join(ocaptainHome(), "harbor");
/** 0600 JSON `{url, token, pid}` of the running harbor. */
export const harborInfoFile = () => join(harborHome(), "info.json");

export const helmHome = () => join(ocaptainHome(), "helm");
/** Unix socket (0600) of the helm's admin API. */
export const helmSocket = () => join(helmHome(), "admin.sock");
/** Data directory of a voyage's own Mutagen daemon. */
export const mutagenHome = (voyageId: string) => join(ocaptainHome(), "mutagen", voyageId);

/** Of voyages with a tailnet: the captain's own node, if there is one, and how ssh finds the ships. */
export const tailnetHome = () => join(ocaptainHome(), "tailnet");
/** The captain's own tailscaled: state, socket, log. */
export const captainNodeHome = () => join(tailnetHome(), "captain");
/** Of one voyage: `config` and a file of each ship's address and host keys. */
export const tailnetSshHome = (voyageId: string) => join(tailnetHome(), "ssh", voyageId);

/** The captain's folder of one voyage, and what is in it. */
export function voyageFolder(stack: string) {
  return voyageFolderAt(join(voyagesRoot(), stack), stack);
}

/** The same, for a folder already known. */
export function voyageFolderAt(root: string, stack: string) {
  const taskList = `${stack}-tasks`;
  return {
    root,
    /** Bare repository: branch `<stack>`, `refs/ships/…`, `refs/lost/…`. */
    repo: join(root, "repo.git"),
    /** Checkout of the voyage's branch; moved forward only when clean. */
    workspace: join(root, "workspace"),
    /** Mirrors, one folder a ship. */
    ships: join(root, "ships"),
    mirror: (ship: string) => join(root, "ships", ship),
    logs: join(root, "logs"),
    shipLogs: (ship: string, incarnation: string) => join(root, "logs", ship, incarnation),
    /** Root of the tasks sync: the parent, so that it never empties. */
    tasksRoot: join(root, ".claude", "tasks"),
    taskList,
    tasks: join(root, ".claude", "tasks", taskList),
    artifacts: join(root, "artifacts"),
    ledger: join(root, "helm", "ledger.sqlite"),
    /** 0600, the provider's credentials for the helm's wake-up calls. */
    credentials: join(root, "helm", "credentials.json"),
    /** `{voyageId, nonce, stack, captainId, createdAt}`. */
    voyageFile: join(root, "voyage.json"),
    lock: join(root, "helm", "lock.sqlite"),
  };
}

export type VoyageFolder = ReturnType<typeof voyageFolderAt>;
