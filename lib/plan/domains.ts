import { isIP } from "node:net";

/** Checks names as a network policy takes them: `api.example.com`, or `*.example.com` for all below it. Lower case. */

const LABEL = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?";
const DOMAIN = new RegExp(`^(\\*\\.)?${LABEL}(\\.${LABEL})*$`);
const MAX_CHARACTERS = 253;

/** Says why a name is no domain that a network policy takes; null when it is one. */
export function domainProblem(name: string): string | null {
  if (name === "*") return "* would allow everything: leave network out";
  if (isIP(name)) return "is an address: a network policy knows names only";
  if (name.length <= MAX_CHARACTERS && DOMAIN.test(name)) return null;
  return "must be a domain (api.example.com), or all below one (*.example.com): no scheme, port or path";
}

/** Tells whether a list of domains lets a host through. `*.example.com` does not stand for `example.com` itself. */
export const isAllowed = (allow: readonly string[], host: string): boolean =>
  allow.some((name) => (name.startsWith("*.") ? host.endsWith(name.slice(1)) : host === name));
