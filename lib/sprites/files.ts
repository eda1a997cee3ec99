import { type Http, steady } from "../base/http-call.ts";
import { expect, spriteGone, spritePath } from "./calls.ts";

/** Bound of one write: a file may be large and the line slow. */
const TIMEOUT_MS = 10 * 60_000;

/** Writes a file on a ship, as `SpritesClient.writeFile` says. */
export async function writeFile(http: Http, name: string, path: string, content: Buffer, mode: number): Promise<void> {
  const query = new URLSearchParams({ path, workingDir: "/", mode: mode.toString(8).padStart(4, "0"), mkdirParents: "true" });
  const reply = await steady(http, {
    method: "PUT",
    path: `${spritePath(name)}/fs/write?${query}`,
    body: content,
    timeoutMs: TIMEOUT_MS,
  });
  if (reply.status === 404) throw spriteGone(name);
  expect(reply, `write ${path} on ${name}`);
}
