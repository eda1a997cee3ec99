import { Resource } from "@pulumi/pulumi";

/**
 * Every resource's state names the line of code that made it, relative to the project. The SDK (3.259) takes the file names of stack traces for
 * paths; those of ES modules are URLs, and the whole path of this machine's checkout came into state (design 16). So the scheme is not taken along.
 */
Object.assign(Resource, {
  framePositionRegExp: /^\s*at .* \((?:file:\/\/)?(?<file>.*):(?<line>[0-9]+):(?<column>[0-9]+)\)$/,
});
