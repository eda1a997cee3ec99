/** Sizes past which a plan is a mistake rather than a plan. A plan is a resource input: it travels whole in Pulumi's state. */
export const MAX_TASKS = 5_000;
/** A ship's number has up to three digits (lib/base/naming.ts). */
export const MAX_SHIPS = 1_000;
/** spec.md, verify.sh. */
export const MAX_TEXT_BYTES = 1024 * 1024;
/** voyage.json and each task. */
export const MAX_JSON_BYTES = 256 * 1024;
/** All tasks together. */
export const MAX_TASKS_BYTES = 16 * 1024 * 1024;
/** Task ids are short numbers. */
export const MAX_ID_DIGITS = 9;
export const MAX_TASK_TIMEOUT_SECONDS = 7 * 24 * 3600;
/** Of a provision step: a ship is held awake meanwhile, and an `up` waits. */
export const MAX_PROVISION_SECONDS = 3600;
export const MAX_PROVISION_STEPS = 100;
export const MAX_TRIES = 100;
/** Names in `network.allow`. */
export const MAX_DOMAINS = 500;
/** Linux takes no longer argument, its final NUL included; `bash -c` gets a command as one. */
export const MAX_COMMAND_BYTES = 128 * 1024 - 1;
