import { z } from "zod";

// What comes from a forge is written by strangers, so each text has a bound here, and is cut where it is over it.

/** A text of at most so many characters. */
export const text = (most: number) =>
  z
    .string()
    .nullish()
    .transform((said) => (said ?? "").slice(0, most).toWellFormed());

/** The name of somebody, a branch, or a check. */
export const name = text(255);
/** The text of a pull request, a review or a remark. GitHub's have at most 65,536 characters. */
export const words = text(65_536);
export const commit = z.string().regex(/^[0-9a-f]{40,64}$/);
export const number = z.int().min(0).max(Number.MAX_SAFE_INTEGER);
/** An address that a browser opens; null for anything else. */
export const link = z
  .unknown()
  .transform((said) =>
    typeof said === "string" && said.length <= 1000 && /^https?:$/.test(URL.parse(said)?.protocol ?? "") ? said : null,
  );
/** When something was, in ISO 8601; "" for what is no time. */
export const when = z
  .unknown()
  .transform((said) => (typeof said === "string" && said.length < 64 && !Number.isNaN(Date.parse(said)) ? said : ""));
/** A person; a deleted one is null. */
export const person = z
  .looseObject({ login: name })
  .nullish()
  .transform((said) => said?.login || "ghost");

/** The most entries of a list that are looked at. */
export const MOST_ENTRIES = 1000;
export const PAGE = 50;
/** The most of what a job has printed that is handed on, in bytes. */
export const LOG_TAIL = 16 * 1024;

/** The id of a check that is known by its name alone. */
export const statusId = (of: string, name: string) => `${of}:${name}`.slice(0, 200).toWellFormed();
