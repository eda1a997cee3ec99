// A plan past these sizes is rather a mistake. They also bound what the helm is told at once, and keeps in its ledger.

export const MAX_TASKS = 10_000;
/** The most ships of a voyage, since a ship's number has up to three digits (lib/base/naming.ts). */
export const MAX_SHIPS = 1_000;
/** The most bytes of spec.md, and of verify.sh. */
export const MAX_TEXT_BYTES = 1024 * 1024;
/** The most bytes of voyage.json, and of each task's file. */
export const MAX_JSON_BYTES = 256 * 1024;
/** The most bytes of all tasks' files together. */
export const MAX_TASKS_BYTES = 16 * 1024 * 1024;
export const MAX_ID_DIGITS = 9;
export const MAX_TASK_TIMEOUT_SECONDS = 7 * 24 * 3600;
/** The longest that one provision step may take: meanwhile its ship is held awake, and an `up` waits. */
export const MAX_PROVISION_SECONDS = 3600;
export const MAX_PROVISION_STEPS = 100;
export const MAX_TRIES = 100;
/** The most globs of what one task writes. */
export const MAX_TOUCHES = 100;
export const MAX_ESTIMATE_MINUTES = 7 * 24 * 60;
/** The most models that a plan has prices of. */
export const MAX_PRICED_MODELS = 100;
/** The most names in `network.allow`. */
export const MAX_DOMAINS = 500;
/**
 * The most bytes of a command. `bash -c` gets it as one argument, and Linux takes none that is longer with its final
 * NUL.
 */
export const MAX_COMMAND_BYTES = 128 * 1024 - 1;
