/** How often a property is tried: `whole` times, or `fast` times under `npm test -- fast` (tools/test.ts). */
export const runs = (whole: number, fast: number): number => (process.env.OCAPTAIN_TEST_FAST ? fast : whole);
