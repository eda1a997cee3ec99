/**
 * The ship's tree could not be made ready for a claim, whatever was tried: its disk, its files or its git are at fault, and no task is. Thrown before a
 * hand begins, and when its work is to begin anew on another tip.
 */
export class TreeUnready extends Error {
  override readonly name = "TreeUnready";

  constructor(cause: Error) {
    super(`the ship's tree cannot be made ready: ${cause.message}`, { cause });
  }
}
