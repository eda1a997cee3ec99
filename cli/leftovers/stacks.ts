import { execa } from "execa";
import { z } from "zod";
import { PROJECT } from "../../lib/base/program-file.ts";

const LIST_MS = 15_000;
const Stacks = z.array(
  z.looseObject({ name: z.string(), resourceCount: z.number().nullish(), updateInProgress: z.boolean().nullish() }),
);

/** Stacks of voyages as Pulumi lists them, by their short names; `why` is set where it lists none. */
export type ListedStacks = { all: ReadonlySet<string>; withResources: ReadonlySet<string>; why?: string };

/** Lists the stacks of the backend of this shell; null where there is no pulumi. Changes nothing. */
export async function listStacks(): Promise<ListedStacks | null> {
  const listed = await execa("pulumi", ["stack", "ls", "--json", "--project", "ocaptain", "--non-interactive"], {
    cwd: PROJECT,
    env: { PULUMI_SKIP_UPDATE_CHECK: "true" },
    reject: false,
    stdin: "ignore",
    timeout: LIST_MS,
  });
  if (listed.code === "ENOENT") return null;
  const stacks = listed.failed ? null : readStacks(listed.stdout);
  const none = new Set<string>();
  if (!stacks)
    return {
      all: none,
      withResources: none,
      why: /^error: (.*)/m.exec(listed.stderr)?.[1] ?? listed.shortMessage ?? "no answer",
    };
  const named = (some: typeof stacks) => new Set(some.map(({ name }) => name.split("/").at(-1) ?? name));
  return {
    all: named(stacks),
    withResources: named(stacks.filter((stack) => stack.resourceCount || stack.updateInProgress)),
  };
}

/** The stacks that have resources; null where Pulumi does not list them. */
export async function stacksWithResources(): Promise<ReadonlySet<string> | null> {
  const listed = await listStacks();
  return listed && listed.why === undefined ? listed.withResources : null;
}

function readStacks(text: string): z.infer<typeof Stacks> | null {
  try {
    return Stacks.parse(JSON.parse(text));
  } catch {
    return null;
  }
}
