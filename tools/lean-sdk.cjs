/**
 * What Node loads before a program of Pulumi's (`NODE_OPTIONS`, tools/environment.mjs): it lets @pulumi/pulumi load
 * some of its parts only when they are used: npm's view of a package tree, the rules for a package.json, TypeScript,
 * the Automation API, and the exporters of traces. No voyage uses any, and each process of an `up` would spend much of
 * its start on them (docs/bench.md). Requires of any other package's are left alone, so other programs of Node do not
 * notice this. And it leaves out what maps the lines of stack traces to sources by source maps: neither a program whose
 * types are stripped has such maps, nor what is in state.
 */
const Module = require("node:module");

require("./engine-end.cjs");

const SDK = /[\\/]@pulumi[\\/]pulumi[\\/](?!.*[\\/]node_modules[\\/])/;
const LATE = /^@npmcli\/arborist$|^normalize-package-data$|\/typescript-shim$|^\.\/automation$/;
/** The one file that takes functions and classes out of the packages for traces when it is loaded itself. */
const TRACING = /[\\/]@pulumi[\\/]pulumi[\\/]cmd[\\/]run[\\/]tracing\.js$/;
const OF_TRACING = /^@opentelemetry\/(?!api$)/;

const SOURCE_MAPS = "source-map-support/register";

const load = Module._load;
Module._load = function (request, parent, isMain) {
  const now = () => load.call(this, request, parent, isMain);
  const from = parent?.filename ?? "";
  if (request === SOURCE_MAPS && SDK.test(from)) return {};
  if (OF_TRACING.test(request) && TRACING.test(from)) return whenUsed(now, (part) => whenUsed(part));
  return LATE.test(request) && SDK.test(from) ? whenUsed(now) : now();
};

/**
 * A stand-in for a module, or for a function or class of one, which is loaded when it is called, or when the first of
 * its properties is asked for. `later` makes the properties stand-ins too.
 */
function whenUsed(load, later = (part) => part()) {
  let loaded;
  const exports = () => {
    loaded ??= load();
    return loaded;
  };
  // Only a function can be called and constructed, and so can its proxy.
  return new Proxy(function standIn() {}, {
    // The SDK's compiled `import` asks for `__esModule`, and takes a module that has it as it is.
    get: (_, name) => (name === "__esModule" ? true : later(() => named(exports(), name))),
    has: (_, name) => name in exports(),
    apply: (_, self, args) => Reflect.apply(exports(), self, args),
    construct: (_, args) => Reflect.construct(exports(), args),
  });
}

/** What an `import` finds in a module by that name: a module of the older kind is its own default. */
const named = (module, name) => (name === "default" && !module.__esModule ? module : module[name]);
