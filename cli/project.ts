import { resolve } from "node:path";

/** The folder of the checkout, in which Pulumi, npm and `.tools` have their files. */
export const PROJECT = resolve(import.meta.dirname, "..");
