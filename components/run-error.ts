import { getStack, RunError } from "@pulumi/pulumi";
import { explain } from "../lib/base/errors.ts";

/** Runs a step of the program; its failure ends the program with message and hint, without the stack that Pulumi prints for other errors. */
export async function plainly<T>(step: () => T | Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    throw new RunError(explain(error, getStack()));
  }
}
