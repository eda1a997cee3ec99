import { createHash } from "node:crypto";

type Environment = Record<string, string | undefined>;

/**
 * Returns the credentials by which the hand `claude` calls its model, as `~/voyage/crew/credentials` on a ship holds
 * them: the stack's `ocaptain:claudeToken`, else the variables that the prior art reads too. A token of `claude
 * setup-token` and a key of the API are told apart by their vendor's prefix. ANTHROPIC_BASE_URL, which names another
 * gateway, goes with it when it is set. GH_TOKEN goes only where the plan asks for it. Returns null when there is no
 * token of the model's.
 */
export function claudeCredentials(
  claudeToken: string | undefined,
  { github, env = process.env }: { github?: boolean | undefined; env?: Environment } = {},
): string | null {
  const token = claudeToken
    ? { [claudeToken.startsWith("sk-ant-api") ? "ANTHROPIC_API_KEY" : "CLAUDE_CODE_OAUTH_TOKEN"]: claudeToken }
    : env.CLAUDE_CODE_OAUTH_TOKEN
      ? { CLAUDE_CODE_OAUTH_TOKEN: env.CLAUDE_CODE_OAUTH_TOKEN }
      : env.ANTHROPIC_API_KEY
        ? { ANTHROPIC_API_KEY: env.ANTHROPIC_API_KEY }
        : null;
  if (!token) return null;
  const { ANTHROPIC_BASE_URL, GH_TOKEN } = env;
  const all = { ...token, ...(ANTHROPIC_BASE_URL && { ANTHROPIC_BASE_URL }), ...(github && GH_TOKEN && { GH_TOKEN }) };
  return Object.entries(all)
    .map(([name, value]) => `${name}=${value.trim()}\n`)
    .join("");
}

/**
 * Returns a short digest that tells one set of credentials from another in state, where a changed token is a change of
 * each ship's launch. It says nothing of the token itself, which is long and random.
 */
export const credentialsDigest = (credentials: string) =>
  createHash("sha256").update(`ocaptain\0${credentials}`).digest("hex").slice(0, 16);
