import type { Input } from "@pulumi/pulumi";

/** The arguments of a resource class: each input as the lifecycle parses it, or an output that becomes it. */
export type Args<Inputs> = { [Key in keyof Inputs]: Input<Inputs[Key]> };
