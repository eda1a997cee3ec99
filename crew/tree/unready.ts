/**
 * Says that the ship's tree could not be made ready for a claim, whatever was tried: the ship's disk, files or git are
 * at fault, and no task is. It is thrown before a hand begins, when its work is to begin anew on another tip, and when
 * git itself fails at a commit.
 */
export class TreeUnready extends Error {
  override readonly name = "TreeUnready";

  constructor(cause: Error) {
    super(`the ship's tree cannot be made ready: ${cause.message}`, { cause });
  }
}
