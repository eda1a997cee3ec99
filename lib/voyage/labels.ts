/**
 * The labels of a VM, by which it is known whose it is: an account at the provider may have VMs of several captains,
 * and of other people.
 */
export const VOYAGE_LABEL = "ocaptain";

/** The labels that make a VM one of this voyage's. What has its name and lacks one of them is somebody else's. */
export const voyageLabels = (of: { voyageId: string; nonce: string }) => [
  VOYAGE_LABEL,
  `voyage-${of.voyageId}`,
  `nonce-${of.nonce}`,
];

/**
 * The label that says whose a VM is when the folder of its voyage is gone. It changes hands with the voyage, so it is
 * none of those that make a VM the voyage's.
 */
export const captainLabel = (captainId: string) => `captain-${captainId}`;
