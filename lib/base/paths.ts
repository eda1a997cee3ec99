import { homedir } from "node:os";
import { join, resolve } from "node:path";
import type { Table } from "../telemetry/schema.ts";

// Where things are on the captain's machine. Every absolute path of the project comes from here, at run time: none is
// stored in Pulumi's state, which another machine may read.

/**
 * Resolves `~` and `~/…` in a path that no shell has read, because it comes from a `.env` file, a plan or a setting.
 */
export const withHome = (path: string): string =>
  path === "~" ? homedir() : path.startsWith("~/") ? join(homedir(), path.slice(2)) : path;

/**
 * The folder of what all voyages of this machine share: harbor, helm, and a Mutagen daemon for each voyage. It is
 * OCAPTAIN_HOME, or else `~/.ocaptain`. It holds unix sockets, whose paths must be short.
 */
export function ocaptainHome(): string {
  return resolve(withHome(process.env.OCAPTAIN_HOME || "~/.ocaptain"));
}

/** The folder of what set-up has made (tools/places.mjs): OCAPTAIN_TOOLS, or else `tools` in {@link ocaptainHome}. */
export function toolsFolder(): string {
  return process.env.OCAPTAIN_TOOLS ? resolve(withHome(process.env.OCAPTAIN_TOOLS)) : join(ocaptainHome(), "tools");
}

/** The folder that holds the captain's folders of all voyages: OCAPTAIN_VOYAGES, or else `~/voyages`. */
export function voyagesRoot(): string {
  return resolve(withHome(process.env.OCAPTAIN_VOYAGES || "~/voyages"));
}

export const harborHome = () => join(ocaptainHome(), "harbor");
/** The file by which the running harbor is found: JSON `{url, token, pid}` of mode 0600. */
export const harborInfoFile = () => join(harborHome(), "info.json");

export const helmHome = () => join(ocaptainHome(), "helm");
/** The unix socket of the helm's admin API, of mode 0600. */
export const helmSocket = () => join(helmHome(), "admin.sock");
/** The data folder of a voyage's own Mutagen daemon. */
export const mutagenHome = (voyageId: string) => join(ocaptainHome(), "mutagen", voyageId);

/** The folder of the telemetry process: its buffer and log, and the unix socket at which it hears the helm. */
export const telemetryHome = () => join(helmHome(), "telemetry");
export const telemetrySocket = () => join(telemetryHome(), "intake.sock");
/** The folder of the telemetry of the captain's programs that are on no ship; a voyage's is in its own folder. */
export const captainTelemetry = () => join(ocaptainHome(), "telemetry");
/** The folder of one table of telemetry (lib/telemetry/schema.ts), with a folder of Parquet files for each day. */
export const telemetryTable = (telemetry: string, table: Table) => join(telemetry, table);

/** The folder for voyages with a tailnet: the captain's own node, if there is one, and how ssh finds the ships. */
export const tailnetHome = () => join(ocaptainHome(), "tailnet");
/** The folder of the captain's own tailscaled: its state, socket and log. */
export const captainNodeHome = () => join(tailnetHome(), "captain");
/** The folder by which ssh finds the ships of one voyage: `config`, and files of the ships' addresses and host keys. */
export const tailnetSshHome = (voyageId: string) => join(tailnetHome(), "ssh", voyageId);

/** The captain's folder of one voyage, and what is in it. */
export function voyageFolder(stack: string) {
  return voyageFolderAt(join(voyagesRoot(), stack), stack);
}

/** The folder to which a voyage's own is moved when another voyage begins under the name of its stack. */
export const asideFolder = (stack: string, voyageId: string) => join(voyagesRoot(), `${stack}.${voyageId}`);

/** The captain's folder of one voyage at `root`, wherever that is, and what is in it. */
export function voyageFolderAt(root: string, stack: string) {
  const taskList = `${stack}-tasks`;
  return {
    root,
    /** The voyage's bare repository, with the branch `<stack>`, `refs/ships/…` and `refs/lost/…`. */
    repo: join(root, "repo.git"),
    /** The captain's checkout of the voyage's branch, which is brought forward only while it is clean. */
    workspace: join(root, "workspace"),
    /** The mirrors, one folder for each ship. */
    ships: join(root, "ships"),
    mirror: (ship: string) => join(root, "ships", ship),
    logs: join(root, "logs"),
    shipLogs: (ship: string, incarnation: string) => join(root, "logs", ship, incarnation),
    /** The root of the sync of task files. It is the parent of their folder, so that it is never empty. */
    tasksRoot: join(root, ".claude", "tasks"),
    taskList,
    tasks: join(root, ".claude", "tasks", taskList),
    artifacts: join(root, "artifacts"),
    /** The plan as the last `up` has read it (lib/plan/kept-plan.ts). */
    planFile: join(root, "artifacts", "plan.json"),
    /** The telemetry of its ships. */
    telemetry: join(root, "telemetry"),
    ledger: join(root, "helm", "ledger.sqlite"),
    /** The provider's credentials, with which the helm wakes ships. Its mode is 0600. */
    credentials: join(root, "helm", "credentials.json"),
    /** The targets of notices, with what is secret in them. Its mode is 0600. */
    notify: join(root, "helm", "notify.json"),
    /** Who the voyage is, as lib/voyage/identity.ts reads and writes it. */
    voyageFile: join(root, "voyage.json"),
    /** What has become of the voyage's landing, as lib/voyage/landing-file.ts reads and writes it. */
    landingFile: join(root, "landing.json"),
    lock: join(root, "helm", "lock.sqlite"),
  };
}

export type VoyageFolder = ReturnType<typeof voyageFolderAt>;
