import { digestOf } from "../plan/digest.ts";

/** A sync session as it should be. */
export type SessionSpec = {
  /** The session's name: letters, digits and dashes, with a letter first, as Mutagen 0.18.1 demands. */
  name: string;
  /** One side: an absolute path, or `user@host:path`, in which `~/…` is below the ship's home. */
  alpha: string;
  beta: string;
  mode: "two-way-safe" | "two-way-resolved" | "one-way-safe" | "one-way-replica";
  /**
   * Patterns in Mutagen's syntax. One without a slash matches files and folders at any depth. A pattern must hold no
   * comma, because the CLI would split it there.
   */
  ignores: readonly string[];
  /** Seconds between two scans of a tree, for what native watching does not cover. Mutagen's default is 10. */
  pollingIntervalSeconds: number;
  /** The size in bytes above which a file is not synced, and is listed as a problem. */
  maxFileBytes: number;
  /** The number of entries above which a tree stops the session with an error. */
  maxEntries: number;
  symlinks: "portable" | "ignore";
  /** Labels, whose values are as in Kubernetes: at most 63 letters, digits, `-`, `_` and `.`. */
  labels: Readonly<Record<string, string>>;
};

/** The label that holds a spec's digest, by which a session is known to be as that spec says. */
export const SPEC_LABEL = "ocaptain-spec";

/** Returns a digest of the arguments that a spec leads to. When it changes, the session is made anew. */
export const specDigest = (spec: SessionSpec): string => digestOf(createArguments(spec)).slice(0, 32);

/**
 * Returns the arguments of `mutagen sync create`, without the label of the spec's digest. The captain's global Mutagen
 * configuration is left out.
 */
export function createArguments(spec: SessionSpec): string[] {
  return [
    "--no-global-configuration",
    `--name=${spec.name}`,
    `--mode=${spec.mode}`,
    `--symlink-mode=${spec.symlinks}`,
    "--no-ignore-vcs",
    ...spec.ignores.map((pattern) => `--ignore=${pattern}`),
    `--watch-polling-interval=${spec.pollingIntervalSeconds}`,
    `--max-staging-file-size=${spec.maxFileBytes}`,
    `--max-entry-count=${spec.maxEntries}`,
    ...Object.entries(spec.labels).map(([key, value]) => `--label=${key}=${value}`),
    "--",
    spec.alpha,
    spec.beta,
  ];
}
