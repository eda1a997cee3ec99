import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { checkoutFolder, versions } from "../places.mjs";
import { identity } from "./command.mjs";
import { checkGo, goBuild, sayBuild } from "./go.mjs";
import { takeEarlier } from "./take-earlier.mjs";

const VERSION = versions.headscale;

/**
 * The real control plane for the tests of tier `tailnet`, which ask for it (`npm run setup -- headscale`). It is always
 * built from the Go module, since nobody needs it to sail.
 */
export const headscale = {
  name: "headscale",
  title: `Headscale ${VERSION}`,
  earlier: ["headscale"],
  key: () => VERSION,
  intact: (stamp) => identity(stamp.path ?? join(checkoutFolder, "headscale", "headscale")) === stamp.identity,

  async make({ tell, note, temporary, place, earlier }) {
    const fresh = join(temporary, "headscale");
    const done = (from) => {
      const path = join(place(fresh), "headscale");
      return { version: VERSION, from, path, identity: identity(path) };
    };
    if (takeEarlier(earlier, "headscale", fresh)) return done(earlier.from);
    await checkGo("tailnet");
    sayBuild(note, { title: headscale.title, why: "nobody needs it to sail, and no release of it is taken", minutes: "2 to 10" });
    const started = Date.now();
    mkdirSync(fresh);
    const built = join(fresh, "headscale");
    const env = { CGO_ENABLED: "0" }; // Its SQLite is written in Go and needs no C.
    await goBuild("tailnet", "github.com/juanfont/headscale/cmd/headscale", built, { ldflags: "-s -w", env, tell });
    return done(`Go module, built in ${Math.round((Date.now() - started) / 1000)} s`);
  },
};
