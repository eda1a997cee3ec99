import { flushCompileCache } from "node:module";
import { isDeepStrictEqual } from "node:util";
import { checkInput } from "../lib/base/check-input.ts";
import { loadDotEnv } from "../lib/base/dot-env.ts";
import { explain, OcaptainError } from "../lib/base/errors.ts";
import { keepInside } from "../lib/base/no-proxy.ts";
import { plain } from "../lib/base/text.ts";
import { readVoyageIdentity } from "../lib/voyage/identity.ts";
import { helmLifecycle } from "./helm/lifecycle.ts";
import { type AnyLifecycle, PartlyMade, readSettings, type Settings } from "./lifecycle.ts";
import { musterLifecycle } from "./muster/lifecycle.ts";
import { mutagenSyncLifecycle } from "./mutagen-sync/lifecycle.ts";
import { endWithTheEngine, underWay } from "./process/engine-end.ts";
import { withVoyageLock } from "./process/voyage-lock.ts";
import { spriteLifecycle } from "./sprite/lifecycle.ts";
import { tailnetKeyLifecycle } from "./tailnet-key/lifecycle.ts";
import { tailnetNodeLifecycle } from "./tailnet-node/lifecycle.ts";
import { tmuxLaunchLifecycle } from "./tmux-launch/lifecycle.ts";
import { workspaceLifecycle } from "./workspace/lifecycle.ts";

/**
 * The functions that every Delegate calls, in every state file that exists. They are a wire protocol: it may be added
 * to, and never changed. tests/wire/ and tests/stack/old-state.test.ts hold the kinds and the signatures.
 */
const lifecycles: Record<string, AnyLifecycle> = {
  muster: musterLifecycle,
  workspace: workspaceLifecycle,
  helm: helmLifecycle,
  sprite: spriteLifecycle,
  "mutagen-sync": mutagenSyncLifecycle,
  "tmux-launch": tmuxLaunchLifecycle,
  "tailnet-key": tailnetKeyLifecycle,
  "tailnet-node": tailnetNodeLifecycle,
};

type Bag = Record<string, unknown> & { stack: string };

/** Stands in a preview for a value that is not known yet, whatever its type (pulumi/pulumi#6310). */
const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const hasUnknown = (value: unknown): boolean =>
  value === UNKNOWN || (typeof value === "object" && value !== null && Object.values(value).some(hasUnknown));

endWithTheEngine();
// The engine ends this process by a signal, and Node keeps what it compiled only when a process ends by itself.
flushCompileCache();

loadDotEnv(process.cwd());
keepInside();

/**
 * The provider of a kind, for a Delegate; those of earlier versions call the functions below themselves, with the
 * settings that they know.
 */
export function provider(kind: string, config: Parameters<typeof readSettings>[0]) {
  const settings = readSettings(config);
  return {
    check: (olds: Partial<Bag>, news: Bag) => check(kind, settings, news, olds),
    diff: (_id: string, olds: Bag, news: Bag) => diff(kind, settings, olds, news),
    create: (news: Bag) => create(kind, settings, news),
    read: (id: string, props: Bag) => read(kind, settings, id, props),
    update: (_id: string, olds: Bag, news: Bag) => update(kind, settings, olds, news),
    delete: (_id: string, props: Bag) => remove(kind, settings, props),
  };
}

/** Checks a resource's new inputs, and answers with all that is wrong with them. */
export async function check(kind: string, settings: Settings, news: Bag, olds: Partial<Bag> = {}) {
  const failures: { property: string; reason: string }[] = [];
  for (const property of lifecycle(kind).fixed ?? [])
    if (Object.keys(olds).length > 0 && olds[property] !== news[property])
      failures.push({
        property,
        reason: `${olds[property] ?? "none"} sails; before it can be ${news[property] ?? "none"}: pulumi destroy -s ${news.stack}`,
      });
  for (const [property, schema] of Object.entries(lifecycle(kind).inputs.shape)) {
    if (hasUnknown(news[property])) continue;
    const checked = checkInput(schema as AnyLifecycle["inputs"], news[property]);
    for (const { field, message } of "problems" in checked ? checked.problems : [])
      failures.push({ property: field ? `${property}.${field}` : property, reason: message });
  }
  // Admission is asked here and not in `diff`, because the engine checks only when it runs the program, and asks for
  // differences in every refresh.
  const known = Object.keys(olds).length > 0 ? strip(olds as Bag) : null;
  if (failures.length === 0 && known) {
    const knownNews = Object.fromEntries(Object.entries(strip(news)).filter(([, value]) => !hasUnknown(value)));
    const stopped = await lifecycle(kind).interrupts?.(knownNews, known);
    // The engine shows what its provider's process prints, in a preview and in an `up`.
    if (stopped) console.log(`warning: ${plain(stopped)}`);
  }
  if (failures.length === 0)
    await lifecycle(kind)
      .admit?.(settings, strip(news), known)
      .catch((error: unknown) => failures.push({ property: "stack", reason: explain(error, news.stack) }));
  return { inputs: news, failures };
}

/**
 * Compares the inputs of state with the program's. A resource that is not whole (`present: false`) differs, so that
 * `up` mends it.
 */
export async function diff(kind: string, _settings: Settings, olds: Bag, news: Bag) {
  const { inputs, replaceOn, asNow = (bag: Record<string, unknown>) => bag } = lifecycle(kind);
  // Of a state of an earlier version a refresh compares what was read with the inputs, which are that version's, too.
  const [before, after] = [asNow(olds), asNow(news)];
  const steady: readonly string[] = lifecycle(kind).steady ?? [];
  const changed = Object.keys(inputs.shape).filter((key) =>
    hasUnknown(after[key]) ? !steady.includes(key) : !isDeepStrictEqual(before[key], after[key]),
  );
  const replaces = replaceOn.filter((key) => changed.includes(key) && !hasUnknown(after[key]));
  return { changes: changed.length > 0 || olds.present === false, replaces, deleteBeforeReplace: true };
}

/** Makes a resource, or finds it again after a create whose answer was lost. */
export async function create(kind: string, settings: Settings, news: Bag) {
  const { id, outs } = await reconcile(kind, settings, news, null);
  return { id, outs };
}

/** Brings a resource to its new inputs, or mends it. */
export async function update(kind: string, settings: Settings, olds: Bag, news: Bag) {
  return { outs: (await reconcile(kind, settings, news, olds)).outs };
}

/** Looks at a resource. An empty answer says that it is gone. */
export async function read(kind: string, settings: Settings, id: string, props: Bag) {
  const seen = await plainly(props.stack, () => lifecycle(kind).read(settings, strip(props) as never));
  return seen === null ? {} : { id, props: seen };
}

/** Removes a resource; quiet when there is nothing to remove. */
export async function remove(kind: string, settings: Settings, props: Bag) {
  const { remove } = lifecycle(kind);
  await plainly(props.stack, () =>
    withVoyageLock(props.stack, () => ofThisVoyage(props).then(() => remove(settings, strip(props) as never))),
  );
}

async function reconcile(kind: string, settings: Settings, news: Bag, olds: Bag | null) {
  const { id, reconcile } = lifecycle(kind);
  const inputs = strip(news);
  const name = id(inputs);
  try {
    const outs = await plainly(news.stack, () =>
      withVoyageLock(news.stack, () => ofThisVoyage(news).then(() => reconcile(settings, inputs, olds && strip(olds)))),
    );
    return { id: name, outs: { ...inputs, ...outs, present: true } };
  } catch (error) {
    const partly = error instanceof Error && error.cause instanceof PartlyMade ? error.cause : null;
    if (!partly) throw error;
    // The engine records what a plain object like this one says as made but not whole (docs/facts/pulumi.md#errors).
    // The properties include the inputs, for their `__provider`: without that no destroy could remove the resource.
    throw {
      id: name,
      message: (error as Error).message,
      properties: { ...news, ...partly.outputs, present: false },
      reasons: [(error as Error).message],
    };
  }
}

function lifecycle(kind: string): AnyLifecycle {
  const found = lifecycles[kind];
  if (!found)
    throw new Error(`this version of ocaptain knows no resource kind "${kind}": check out the version that made the stack`);
  return found;
}

/**
 * Refuses to act for one voyage in another's folder: another voyage may have begun under the same stack's name
 * (docs/adr/who-a-voyage-is.md).
 * @throws OcaptainError ANOTHER_VOYAGE
 */
async function ofThisVoyage({ stack, voyageId }: Bag): Promise<void> {
  const file = typeof voyageId === "string" ? await readVoyageIdentity(stack) : null;
  if (!file || file.voyageId === voyageId) return;
  throw new OcaptainError(
    "ANOTHER_VOYAGE",
    `the folder of stack "${stack}" is voyage ${file.voyageId}'s, and not ${voyageId}'s`,
    {
      hint: `pulumi up -s ${stack}  # it says how they came apart`,
    },
  );
}

/** Leaves out Pulumi's own key, which never reaches a lifecycle. */
function strip(bag: Bag): Bag {
  const { __provider, ...rest } = bag;
  return rest;
}

/**
 * Runs `work`; its errors become what a person reads, message and hint. They have no stack, which the engine would
 * print for a delete or a read.
 */
async function plainly<T>(stack: string, work: () => Promise<T>): Promise<T> {
  const done = underWay();
  try {
    return await work();
  } catch (error) {
    const told = new Error(explain(error instanceof PartlyMade ? error.cause : error, stack), { cause: error });
    told.stack = "";
    throw told;
  } finally {
    done();
  }
}
