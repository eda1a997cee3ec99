import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import { runtime } from "@pulumi/pulumi";
import { Delegate } from "../../dynamic-providers/delegate.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const require = createRequire(import.meta.url);
// These are the protocol's messages as the engine speaks it; the SDK has them without types for this project's module
// resolution.
const grpc = createRequire(require.resolve("@pulumi/pulumi"))("@grpc/grpc-js");
const { ResourceProviderClient } = require("@pulumi/pulumi/proto/provider_grpc_pb.js");
const proto = require("@pulumi/pulumi/proto/provider_pb.js");
const { Struct } = require("google-protobuf/google/protobuf/struct_pb.js");

/** The text of a kind's delegate, as Pulumi's SDK itself writes it: state files of earlier versions hold it. */
export async function serialisedBySdk(kind: string): Promise<string> {
  const delegate = new Delegate(kind);
  return (await runtime.serializeFunction(() => delegate)).text;
}

/** Starts the vendor's dynamic-provider process, driven over gRPC as by the engine. */
export async function startHost(env: Record<string, string>, config: Record<string, string> = {}) {
  const main = require.resolve("@pulumi/pulumi/cmd/dynamic-provider/index.js");
  const child = spawn(process.execPath, [main, "127.0.0.1:1"], {
    cwd: ROOT,
    env: { ...process.env, ...env },
    // The process gets a pipe for standard input too, as from the engine, because the host watches it.
    stdio: ["pipe", "pipe", "pipe"],
  });
  let stderr = "";
  child.stderr.on("data", (data) => {
    stderr += data;
  });
  const [port] = await once(createInterface(child.stdout), "line");
  const client = new ResourceProviderClient(`127.0.0.1:${port}`, grpc.credentials.createInsecure());

  // biome-ignore lint/suspicious/noExplicitAny: protobuf messages made without types
  const call = (method: string, request: any): Promise<any> =>
    new Promise((done, fail) =>
      client[method](request, { deadline: Date.now() + 30_000 }, (error: Error | null, reply: unknown) =>
        error ? fail(error) : done(reply),
      ),
    );
  const struct = (value: object) => Struct.fromJavaScript(value);
  const plain = (message: { toJavaScript(): object } | undefined) => message?.toJavaScript() as Record<string, unknown>;

  const configure = new proto.ConfigureRequest();
  configure.setArgs(struct(config));
  await call("configure", configure);

  return {
    stderr: () => stderr,
    /**
     * Closes the process's standard input, as happens when its engine is killed. Resolves when the process has ended.
     */
    async loseEngine(): Promise<void> {
      const gone = once(child, "exit");
      child.stdin.end();
      await gone;
    },
    async check(news: object) {
      const request = new proto.CheckRequest();
      request.setOlds(struct({}));
      request.setNews(struct(news));
      const reply = await call("check", request);
      return {
        inputs: plain(reply.getInputs()),
        failures: reply.getFailuresList().map((f: { toObject(): object }) => f.toObject()),
      };
    },
    async diff(id: string, olds: object, news: object) {
      const request = new proto.DiffRequest();
      request.setId(id);
      request.setOlds(struct(olds));
      request.setNews(struct(news));
      const reply = await call("diff", request);
      return { changes: reply.getChanges() === proto.DiffResponse.DiffChanges.DIFF_SOME, replaces: reply.getReplacesList() };
    },
    async create(news: object) {
      const request = new proto.CreateRequest();
      request.setProperties(struct(news));
      const reply = await call("create", request);
      return { id: reply.getId() as string, props: plain(reply.getProperties()) };
    },
    async read(id: string, props: object) {
      const request = new proto.ReadRequest();
      request.setId(id);
      request.setProperties(struct(props));
      const reply = await call("read", request);
      return { id: reply.getId() as string, props: plain(reply.getProperties()) };
    },
    async remove(id: string, props: object) {
      const request = new proto.DeleteRequest();
      request.setId(id);
      request.setProperties(struct(props));
      await call("delete", request);
    },
    async close() {
      client.close();
      if (child.exitCode !== null) return;
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}

/** The value that the engine sends in a preview in the place of what is not known yet. */
export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
