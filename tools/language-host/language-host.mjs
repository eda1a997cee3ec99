/**
 * Pulumi's language host for Node programs, for machines where the vendor's `pulumi-language-nodejs` cannot be had
 * (reasons and limits are in docs/adr/language-host.md). It serves `pulumirpc.LanguageRuntime` on loopback, with the
 * messages that come with @pulumi/pulumi, prints its port, and runs the program by the vendor's own
 * `@pulumi/pulumi/cmd/run`. Methods that are not here answer UNIMPLEMENTED.
 */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { reachLoopback } from "./loopback.mjs";

// The engine starts the host in the project's folder, whose program needs the SDK too. gRPC and protobuf are the SDK's
// own copies, because one copy does not accept the messages of another.
const project = createRequire(join(process.cwd(), "_.js"));
const sdk = createRequire(project.resolve("@pulumi/pulumi/package.json"));
const grpc = sdk("@grpc/grpc-js");
const { Empty } = sdk("google-protobuf/google/protobuf/empty_pb.js");
const { LanguageRuntimeService } = sdk("./proto/language_grpc_pb.js");
const language = sdk("./proto/language_pb.js");
const { PluginInfo } = sdk("./proto/plugin_pb.js");
const { version } = sdk("./version.js");

/** The exit code by which `@pulumi/pulumi/cmd/run` says that the program has already shown its error. */
const SHOWN_ERROR_EXIT = 32;
/**
 * The time that a program gets to end in: a little less than what the engine gives a plugin (`kill` in its plugin.go).
 */
const PROGRAM_GRACE_MS = 3000;

/** The engine's address, which is the last argument; the others are flags. */
const engineAddress = process.argv.at(-1);
const programs = new Set();

const host = {
  handshake: (_call, done) => done(null, new language.LanguageHandshakeResponse()),
  getPluginInfo: (_call, done) => done(null, new PluginInfo().setVersion(version)),
  // No package is required ahead of time: a provider is looked up when the first of its resources registers. The
  // vendor's host names each package in node_modules that has a provider, used or not, and the engine then refuses to
  // start while one is missing.
  getRequiredPackages: (_call, done) => done(null, new language.GetRequiredPackagesResponse()),
  getRequiredPlugins: (_call, done) => done(null, new language.GetRequiredPluginsResponse()),
  about: (_call, done) => done(null, new language.AboutResponse().setExecutable(process.execPath).setVersion(process.version)),
  getProgramDependencies: answer(programDependencies),
  run: answer(runProgram),
  cancel: (_call, done) => {
    for (const program of programs) stop(program);
    done(null, new Empty());
  },
};

/** Makes a handler from an async function, whose errors become the call's error. */
function answer(method) {
  return (call, done) =>
    method(call.request, call).then(
      (response) => done(null, response),
      (error) => done({ code: grpc.status.UNKNOWN, message: error.message }),
    );
}

/**
 * Runs the program to its end. The answer has an `error`, or `bail` when the program has already shown its error, or
 * neither when it has succeeded.
 */
async function runProgram(request, call) {
  const info = request.getInfo();
  const options = info.getOptions()?.toJavaScript() ?? {};
  // The program's own SDK runs it, not this host's copy: the two must not be mixed in one process.
  const runner = createRequire(join(info.getProgramDirectory(), "_.js")).resolve("@pulumi/pulumi/cmd/run");
  const args = [
    runner,
    ...["--monitor", request.getMonitorAddress(), "--engine", engineAddress],
    ...["--organization", request.getOrganization(), "--project", request.getProject(), "--stack", request.getStack()],
    ...["--root-directory", info.getRootDirectory(), "--pwd", request.getPwd()],
    ...(request.getDryrun() ? ["--dry-run"] : []),
    ...["--parallel", String(request.getParallel())],
    request.getProgram(),
    ...request.getArgsList(),
  ];
  const program = spawn(process.execPath, args, {
    cwd: request.getPwd(),
    // The engine reads what plugins print, and shows it with the stack's output.
    stdio: ["ignore", "inherit", "inherit"],
    env: {
      ...process.env,
      ...reachLoopback(),
      PULUMI_CONFIG: JSON.stringify(Object.fromEntries(request.getConfigMap().toArray())),
      PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(request.getConfigsecretkeysList()),
      PULUMI_NODEJS_TYPESCRIPT: String(options.typescript ?? true),
    },
  });
  programs.add(program);
  call.on("cancelled", () => stop(program));
  const [code, signal] = await new Promise((resolve, reject) => {
    program.once("error", reject);
    program.once("close", (...end) => resolve(end));
  }).finally(() => programs.delete(program));

  const response = new language.RunResponse();
  if (code === SHOWN_ERROR_EXIT) return response.setBail(true);
  if (signal) return response.setError(`the program was ended by ${signal}`);
  return code === 0 ? response : response.setError(`Program exited with non-zero exit code: ${code}`);
}

/**
 * Answers what `pulumi about` lists with their versions: the packages of package.json, or with --transitive all
 * packages of the lock file.
 */
async function programDependencies(request) {
  const folder = request.getInfo()?.getRootDirectory() || request.getPwd();
  const { packages } = JSON.parse(readFileSync(join(folder, "package-lock.json"), "utf8"));
  const root = packages[""] ?? {};
  const direct = { ...root.dependencies, ...root.devDependencies };
  const response = new language.GetProgramDependenciesResponse();
  for (const [path, { version: installed }] of Object.entries(packages)) {
    const name = path.split("node_modules/").at(-1);
    const wanted = request.getTransitivedependencies() ? path !== "" : path === `node_modules/${name}` && name in direct;
    if (wanted && installed) response.addDependencies(new language.DependencyInfo().setName(name).setVersion(installed));
  }
  return response;
}

function stop(program) {
  program.kill("SIGINT");
  setTimeout(() => program.kill("SIGKILL"), PROGRAM_GRACE_MS).unref();
}

/** Ends the host and its program together with the engine: no one is left to hear either. */
function end() {
  for (const program of programs) program.kill("SIGKILL");
  process.exit(0);
}
process.on("SIGINT", end);
process.on("SIGTERM", end);
// The engine holds the other end of this process's stdin, which closes when the engine ends, even by SIGKILL.
process.stdin.on("end", end).on("error", end).resume();

const server = new grpc.Server({ "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 });
server.addService(LanguageRuntimeService, host);
server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  process.stdout.write(`${port}\n`);
});
