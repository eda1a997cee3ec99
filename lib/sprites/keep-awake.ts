import { OcaptainError } from "../base/errors.ts";
import { said } from "../base/text.ts";
import { shipScript } from "../ship/shell.ts";
import type { SpritesClient } from "./types.ts";

/**
 * argv that takes a hold in the captain's name on a ship for `seconds`; it ends by itself. Upsert by PUT, by POST where PUT on a missing
 * name is refused (facts: sprites §10 has both reports).
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
