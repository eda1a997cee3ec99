/** What of ours our daemons read: by name. By the prefix alone a secret would go along (OCAPTAIN_TAILSCALE_OAUTH_SECRET did). */
const OURS = /^OCAPTAIN_(HOME|VOYAGES|HELM_PORT|HARBOR_[A-Z_]+)$/;
const EVERY = ["PATH", "HOME", "LANG", "TMPDIR"];

/** The whole environment of a daemon that is started here (design 15); `more`: names that this one needs besides. */
export function daemonEnvironment(more: readonly string[] = []): Record<string, string> {
  const names = new Set([...EVERY, ...more]);
  const known = Object.entries(process.env).filter((pair): pair is [string, string] => pair[1] !== undefined);
  return Object.fromEntries(known.filter(([name]) => names.has(name) || OURS.test(name)));
}
