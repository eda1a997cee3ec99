/**
 * The labels of a VM, by which it is known whose it is: an account at the provider may have VMs of several captains,
 * and of other people.
 */
export const VOYAGE_LABEL = "ocaptain";

/** The labels that make a VM one of this voyage's. What has its name and lacks one of them is somebody else's. */
export const voyageLabels = (of: { voyageId: string; nonce: string }) => [
  VOYAGE_LABEL,
  `voyage-${of.voyageId}`,
  nonceLabel(of.nonce),
];

/** The label by which a VM is told from that of another voyage with the same name. */
export const nonceLabel = (nonce: string) => `nonce-${nonce}`;

/**
 * The label that says whose a VM is when the folder of its voyage is gone. It changes hands with the voyage, so it is
 * none of those that make a VM the voyage's.
 */
export const captainLabel = (captainId: string) => `captain-${captainId}`;

/** The captains that the labels of a VM name: one, or none where it says nothing of a captain. */
export const captainsOf = (labels: readonly string[]): string[] =>
  labels.filter((label) => label.startsWith(captainLabel(""))).map((label) => label.slice(captainLabel("").length));

/** The captain whose a VM is by its labels, when that is not `me`; undefined for one that says nothing of a captain. */
export function otherCaptain(labels: readonly string[], me: string): string | undefined {
  const captains = captainsOf(labels);
  return captains.includes(me) ? undefined : captains[0];
}

/** The labels of a VM as they are when it is this captain's. */
export const labelsOf = (labels: readonly string[], captainId: string): string[] => [
  ...labels.filter((label) => !label.startsWith(captainLabel(""))),
  captainLabel(captainId),
];
