import { isDeepStrictEqual } from "node:util";
import { main, type Provider } from "@pulumi/pulumi/provider/index.js";
import { execa } from "execa";

/**
 * The inputs of local.Command, the resource of @pulumi/command, whose plugin this is a stand-in for, because the binary
 * is not at any package registry. It behaves as the documentation says: `create` runs at create, and at an update when
 * there is no `update`; `delete` runs at delete; changed triggers replace the resource, and the engine then creates the
 * new one first.
 */
type Command = {
  create?: string;
  update?: string;
  delete?: string;
  environment?: Record<string, string>;
  interpreter?: string[];
  triggers?: unknown[];
};

async function run(inputs: Command, text: string | undefined): Promise<Command & { stdout: string; stderr: string }> {
  if (!text) return { ...inputs, stdout: "", stderr: "" };
  const [shell = "/bin/sh", ...args] = inputs.interpreter ?? ["/bin/sh", "-c"];
  const ran = await execa(shell, [...args, text], { env: inputs.environment ?? {}, reject: false, stdin: "ignore" });
  if (ran.exitCode !== 0)
    throw new Error(`exit status ${ran.exitCode}: running ${JSON.stringify(text)}:\n${ran.stdout}${ran.stderr}`);
  return { ...inputs, stdout: ran.stdout, stderr: ran.stderr };
}

const FIELDS = ["create", "update", "delete", "environment", "interpreter", "triggers"] as const;
const provider: Provider = {
  version: "1.2.1",
  schema: JSON.stringify({ name: "command", version: "1.2.1" }),
  check: async (_urn, _olds, news) => ({ inputs: news }),
  diff: async (_id, _urn, olds: Command, news: Command) => ({
    changes: FIELDS.some((field) => !isDeepStrictEqual(olds[field], news[field])),
    replaces: isDeepStrictEqual(olds.triggers, news.triggers) ? [] : ["triggers"],
  }),
  create: async (_urn, inputs: Command) => ({ id: "command", outs: await run(inputs, inputs.create) }),
  update: async (_id, _urn, _olds, news: Command) => ({ outs: await run(news, news.update ?? news.create) }),
  delete: async (_id, _urn, props: Command) => void (await run(props, props.delete)),
};

await main(provider, process.argv.slice(2));
