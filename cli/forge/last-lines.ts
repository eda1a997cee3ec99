import { stripVTControlCharacters } from "node:util";

/** The whole lines at the end of what a job has printed, in at most so many bytes, without colours. */
export function lastLines(printed: Buffer, most: number): string {
  const tail = printed.subarray(-most).toString("utf8");
  const whole = printed.length > most ? tail.slice(tail.indexOf("\n") + 1) : tail;
  return stripVTControlCharacters(whole).trimEnd().toWellFormed();
}
