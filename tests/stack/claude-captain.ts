import { join } from "node:path";
import { claudeFolder } from "../support/claude/claude-cli.ts";
import { StandInApi } from "../support/claude/stand-in-api.ts";
import { openCaptain } from "./captain.ts";

export const KEY = "sk-ant-api03-a-key-of-this-stack-0123456789";

/** Opens a captain whose harbor ships have the real Claude Code, with a stand-in of the Messages API. */
export async function openClaudeCaptain(options: Parameters<typeof openCaptain>[0] = {}) {
  const api = new StandInApi();
  await api.start();
  Object.assign(process.env, {
    OCAPTAIN_HARBOR_TOOLS: await claudeFolder(),
    ANTHROPIC_BASE_URL: api.url,
    ANTHROPIC_API_KEY: KEY,
  });
  const captain = await openCaptain({ ...options, config: { hand: "claude", ...options.config } });
  return {
    captain,
    api,
    async close(): Promise<void> {
      await captain.close();
      await api.stop();
      for (const name of ["OCAPTAIN_HARBOR_TOOLS", "ANTHROPIC_BASE_URL", "ANTHROPIC_API_KEY"]) delete process.env[name];
    },
  };
}

/** The home of a harbor ship, as a path on the captain's machine. */
export const homeOnHarbor = (incarnation: string) =>
  join(process.env.OCAPTAIN_HOME!, "harbor", "s", incarnation.slice("sprite-".length, "sprite-".length + 8), "home");
