import { isIP } from "node:net";

// A network policy takes names in lower case: `api.example.com`, or `*.example.com` for all names below it.

const LABEL = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?";
const DOMAIN = new RegExp(`^(\\*\\.)?${LABEL}(\\.${LABEL})*$`);
const MAX_CHARACTERS = 253;

const IN_ANY_CASE = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?";
const BYTE = "(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
/** The same rule as {@link domainProblem}'s, of a name in letters of any case, as one pattern for editors. */
export const DOMAIN_PATTERN = `^(?=.{1,${MAX_CHARACTERS}}$)(?!${BYTE}(\\.${BYTE}){3}$)(\\*\\.)?${IN_ANY_CASE}(\\.${IN_ANY_CASE})*$`;

/** Says why a network policy would not take a name, or returns null when it would. */
export function domainProblem(name: string): string | null {
  if (name === "*") return "* would allow everything: leave network out";
  if (isIP(name)) return "is an address: a network policy knows names only";
  if (name.length <= MAX_CHARACTERS && DOMAIN.test(name)) return null;
  return "must be a domain (api.example.com), or all below one (*.example.com): no scheme, port or path";
}

/** Tells whether a list of names allows a host. `*.example.com` does not stand for `example.com` itself. */
export const isAllowed = (allow: readonly string[], host: string): boolean =>
  allow.some((name) => (name.startsWith("*.") ? host.endsWith(name.slice(1)) : host === name));
