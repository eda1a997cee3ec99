/**
 * What Node loads before a program of Pulumi's (`NODE_OPTIONS`, tools/environment.mjs): it lets @pulumi/pulumi load two
 * of its parts only when they are used: npm's view of a package tree, and TypeScript. No voyage uses either, and each
 * process of an `up` would spend most of its start on them (docs/bench.md). Requires of any other package's are left
 * alone, so other programs of Node do not notice this.
 */
const Module = require("node:module");

const SDK = /[\\/]@pulumi[\\/]pulumi[\\/](?!.*[\\/]node_modules[\\/])/;
const LATE = /^@npmcli\/arborist$|\/typescript-shim$/;

const load = Module._load;
Module._load = function (request, parent, isMain) {
  const now = () => load.call(this, request, parent, isMain);
  return LATE.test(request) && SDK.test(parent?.filename ?? "") ? whenUsed(now) : now();
};

/** A stand-in for a module, which is loaded when the first of its exports is asked for. */
function whenUsed(load) {
  let loaded;
  const exports = () => {
    loaded ??= load();
    return loaded;
  };
  return new Proxy(
    {},
    {
      // The SDK's compiled `import *` asks for `__esModule`, and takes a module that has it as it is.
      get: (_, name) => (name === "__esModule" ? true : exports()[name]),
      has: (_, name) => name in exports(),
    },
  );
}
