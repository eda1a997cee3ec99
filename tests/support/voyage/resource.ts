import * as host from "../../../dynamic-providers/host.ts";
import type { Settings } from "../../../dynamic-providers/lifecycle.ts";

/** The properties of a resource as the engine keeps them. */
export type Props = Record<string, unknown> & { stack: string };

/**
 * Drives one resource as the engine does, without the engine: by check, diff, create, read, update and delete of the
 * host module. `more` are inputs that differ from the base; `settings` is the stack's configuration.
 */
export function resource(kind: string, base: Props, settings: Settings = {}) {
  const inputs = (more: object = {}): Props => ({ ...base, ...more });
  return {
    inputs,
    with: (config: Settings) => resource(kind, base, config),
    check: (olds: Props, more: object = {}) => host.check(kind, settings, inputs(more), olds),
    async create(more: object = {}): Promise<Props> {
      const { failures } = await host.check(kind, settings, inputs(more));
      if (failures.length > 0) throw new Error(`check: ${JSON.stringify(failures)}`);
      return (await host.create(kind, settings, inputs(more))).outs as Props;
    },
    /** Reads the resource; null means that it is gone. */
    read: async (props: Props) => ((await host.read(kind, settings, "id", props)) as { props?: Props }).props ?? null,
    update: async (olds: Props, more: object = {}) => (await host.update(kind, settings, olds, inputs(more))).outs as Props,
    diff: (olds: Props, more: object = {}) => host.diff(kind, settings, olds, inputs(more)),
    remove: (props: Props) => host.remove(kind, settings, props),
  };
}

/** The error with which a create or update fails when the engine shall record what was made as partly made. */
export type PartlyMade = { id: string; message: string; properties: Props; reasons: string[] };

/** Gives the error of something that must fail. */
export async function failure(work: Promise<unknown>): Promise<PartlyMade> {
  const [result] = await Promise.allSettled([work]);
  if (result.status === "fulfilled") throw new Error(`it did not fail: ${JSON.stringify(result.value)}`);
  return result.reason as PartlyMade;
}
