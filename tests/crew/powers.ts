/**
 * Returns the argv that runs a program without the superuser's power to read and write what modes forbid. Other users
 * have no such power to lose.
 */
export function asNobodySpecial(...argv: string[]): string[] {
  if (process.getuid!() !== 0) return argv;
  const powers = "-dac_override,-dac_read_search,-linux_immutable";
  return ["setpriv", `--inh-caps=${powers}`, `--bounding-set=${powers}`, ...argv];
}
