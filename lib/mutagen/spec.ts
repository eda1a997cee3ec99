import { digestOf } from "../plan/digest.ts";

/** A sync session as it should be. */
export type SessionSpec = {
  /** Letters, digits and dashes, a letter first (pkg/selection/names.go of 0.18.1). */
  name: string;
  /** An absolute path, or `user@host:path` (`~/…` is the ship's home). */
  alpha: string;
  beta: string;
  mode: "two-way-safe" | "two-way-resolved" | "one-way-safe" | "one-way-replica";
  /** Mutagen's own patterns. One without a slash matches at any depth, files and folders. No commas: the CLI would split there. */
  ignores: readonly string[];
  /** Seconds between two scans of a tree for what native watching does not cover. Mutagen's own default is 10. */
  pollingIntervalSeconds: number;
  /** A bigger file stays where it is, and is listed as a problem. */
  maxFileBytes: number;
  /** A bigger tree stops the session with an error. */
  maxEntries: number;
  symlinks: "portable" | "ignore";
  /** Values as Kubernetes takes them: at most 63 of letters, digits, `-`, `_`, `.`. */
  labels: Readonly<Record<string, string>>;
};

/** Label by which a session is known to be as its spec says. */
export const SPEC_LABEL = "ocaptain-spec";

/** A digest of the spec and of how it is turned into arguments: a change of either makes the session anew. */
export const specDigest = (spec: SessionSpec): string => digestOf(createArguments(spec)).slice(0, 32);

/** `mutagen sync create …`, without the spec's own label. The captain's global Mutagen configuration has no say. */
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
