/** Time as the helm uses it; tests bring their own. */
export type HelmClock = {
  /** Milliseconds of this process's running time, which never goes back. Leases count these. */
  now(): number;
  /** Milliseconds since 1970, for people, and for seeing that a lid was closed. */
  wallMs(): number;
};

export const systemClock: HelmClock = { now: () => performance.now(), wallMs: () => Date.now() };
