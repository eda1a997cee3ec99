import { mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { toolsFolder } from "../environment.mjs";
import { identity } from "./command.mjs";
import { checkGo, goBuild } from "./go.mjs";

const VERSION = "0.28.0";
const folder = join(toolsFolder, "headscale");
const path = join(folder, "headscale");

/**
 * The real control plane for the tests of tier `tailnet`, which ask for it (`npm run setup -- headscale`). It is always
 * built from the Go module, since nobody needs it to sail.
 */
export const headscale = {
  name: "headscale",
  title: `Headscale ${VERSION}`,
  key: () => VERSION,
  intact: (stamp) => identity(path) === stamp.identity,

  async make({ tell, temporary }) {
    await checkGo("tailnet");
    const started = Date.now();
    const built = join(temporary, "headscale");
    const env = { CGO_ENABLED: "0" }; // Its SQLite is written in Go and needs no C.
    await goBuild("tailnet", "github.com/juanfont/headscale/cmd/headscale", built, { ldflags: "-s -w", env, tell });
    mkdirSync(folder, { recursive: true });
    renameSync(built, path);
    const from = `Go module, built in ${Math.round((Date.now() - started) / 1000)} s`;
    return { version: VERSION, from, identity: identity(path) };
  },
};
