/** What the address of a repository says of where it lies. */
export type Address = {
  /** How the repository is reached: `ssh` says nothing of where the pages and the API are. */
  by: "http" | "https" | "ssh";
  /** The name of the machine, in lower case. */
  hostname: string;
  /** Where pages and the API are, unless the forge says otherwise: `https://host:port/prefix`, no slash at its end. */
  web: string;
  owner: string;
  repo: string;
};

/** The names that forges allow; anything else would not be one part of a path. */
const NAME = /^(?!\.{1,2}$)[\w.-]{1,100}$/;
/** git's short form `user@host:path`. A slash before the colon would make it a path on this machine. */
const SHORT = /^(?:[^@/:\s]+@)?(\[[0-9a-f:]+\]|[^/:\s[\]]+):(?!\/\/)(.+)$/i;

/**
 * Reads the address of a repository; null for a path on this machine, and for an address that names no owner and
 * repository. What comes before these two is kept, since a forge may lie below a path of its server.
 */
export function readAddress(origin: string): Address | null {
  const url = /^[a-z][a-z0-9+.-]*:\/\//i.test(origin) ? URL.parse(origin) : null;
  if (url) {
    const by = /^(?:git\+)?(https?|ssh):$/.exec(url.protocol)?.[1] as Address["by"] | undefined;
    if (!by || !url.hostname) return null;
    // The port of ssh is not that of the pages.
    return addressOf(by, url.hostname, by === "ssh" ? "" : url.port, url.pathname);
  }
  const short = SHORT.exec(origin);
  return short ? addressOf("ssh", short[1] ?? "", "", short[2] ?? "") : null;
}

function addressOf(by: Address["by"], host: string, port: string, path: string): Address | null {
  const parts = path.split("/").filter(Boolean).map(decoded);
  const repo = parts.pop()?.replace(/\.git$/, "") ?? "";
  const owner = parts.pop() ?? "";
  if (![owner, repo, ...parts].every((part) => NAME.test(part))) return null;
  // GitHub takes ssh at port 443 of a name of its own.
  const hostname = host.toLowerCase().replace(/^ssh\.(github\.com)$/, "$1");
  const prefix = by === "ssh" ? [] : parts;
  const web = [`${by === "http" ? "http" : "https"}://${hostname}${port && `:${port}`}`, ...prefix].join("/");
  return { by, hostname, web, owner, repo };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return "";
  }
}
