import { OcaptainError } from "../base/errors.ts";
import { said } from "../base/text.ts";
import { shipScript } from "../ship/shell.ts";
import type { SpritesClient } from "./types.ts";

/**
 * The argv that takes a hold in the captain's name on a ship for `seconds`; the hold ends by itself. It uses PUT, and
 * POST where PUT of a name that does not exist is refused: reports of the vendor differ (docs/facts/sprites.md#tasks).
 */
export function holdArgv(seconds: number): readonly string[] {
  const body = JSON.stringify({ name: "captain", expire: `${Math.ceil(seconds)}s` });
  const call = (method: string, path: string) =>
    `sprite-env curl -fsS -X ${method} ${path} -H 'content-type: application/json' -d '${body}'`;
  return shipScript(`${call("PUT", "/v1/tasks/captain")} >/dev/null 2>&1 || ${call("POST", "/v1/tasks")}`);
}

/** Wakes a ship (an exec does) and holds it awake for `seconds`, while the captain works with it. */
export async function holdAwake(sprites: SpritesClient, name: string, seconds: number): Promise<void> {
  const result = await sprites.exec(name, holdArgv(seconds));
  if (result.exitCode !== 0)
    throw new OcaptainError("HOLD", `${name} could not be held awake: ${said(result.stderr.trim() || result.stdout)}`);
}
