import { createHash } from "node:crypto";

type Environment = Record<string, string | undefined>;

/**
 * What the hand `claude` calls its model with, as `~/voyage/crew/credentials` on a ship holds it: the stack's
 * `ocaptain:claudeToken`, else the variables that the prior art reads too. A token of `claude setup-token` and a key of
 * the API are told apart by their vendor's prefix. ANTHROPIC_BASE_URL, when set, goes with it: another gateway.
 * GH_TOKEN goes only where the plan asks for it. Null when there is no token of the model's.
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
 * Tells one set of credentials from another, in state: a changed token is a change of each ship's launch. Says nothing
 * of the token itself, which is long and random.
 */
export const credentialsDigest = (credentials: string) =>
  createHash("sha256").update(`ocaptain\0${credentials}`).digest("hex").slice(0, 16);
