import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

type Deployment<Resource> = { resources?: Resource[] };

/** The file of a stack, in the backend that `pulumiEnvironment` makes of `folder`. */
const stackFile = (folder: string, stack: string, project = "ocaptain") =>
  join(folder, ".pulumi", "stacks", project, `${stack}.json`);

/**
 * Makes a stack in the backend in `folder`, as `pulumi stack init` would, whose start costs more than the whole of many
 * a test. The stack is one of this project unless another is named, and has these resources, or none.
 */
export async function makeStack(
  folder: string,
  stack: string,
  { project = "ocaptain", resources = [] }: { project?: string; resources?: object[] } = {},
): Promise<void> {
  const latest = { manifest: { time: new Date().toISOString(), magic: "", version: "" }, resources };
  await mkdir(join(folder, ".pulumi", "stacks", project), { recursive: true });
  await writeFile(join(folder, ".pulumi", "meta.yaml"), "version: 1\n");
  const checkpoint = { stack: `organization/${project}/${stack}`, latest };
  await writeFile(stackFile(folder, stack, project), JSON.stringify({ version: 3, checkpoint }));
}

/** Reads a stack's state from the backend in `folder`; it is what `pulumi stack export` prints. */
export async function stackState<Resource>(folder: string, stack: string) {
  const { version, checkpoint } = JSON.parse(await readFile(stackFile(folder, stack), "utf8"));
  return { version: version as number, deployment: (checkpoint.latest ?? {}) as Deployment<Resource> };
}
