import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { writeAtomically } from "../base/atomic-file.ts";
import { helmHome } from "../base/paths.ts";
import { HELM_PORT } from "../tailnet/policy/policy-rules.ts";

/**
 * The file with the port that was found free when 4318, which OTLP uses too, was taken. It is kept so that ships that
 * know the port find the helm again.
 */
export const keptPortFile = () => join(helmHome(), "port");

/** Returns the port on which the helm serves ships: `OCAPTAIN_HELM_PORT`, else the one that is kept, else 4318. */
export function helmPort(): number {
  return Number(process.env.OCAPTAIN_HELM_PORT || keptPort() || HELM_PORT);
}

/** Tells whether somebody has said which port it must be. */
export const isPortChosen = () => Boolean(process.env.OCAPTAIN_HELM_PORT);

export const keepHelmPort = (port: number) => writeAtomically(keptPortFile(), `${port}\n`, 0o600);

/** Forgets the kept port, once no ship knows it any more. */
export const forgetHelmPort = () => rmSync(keptPortFile(), { force: true });

function keptPort(): number {
  try {
    const text = readFileSync(keptPortFile(), "utf8").trim();
    const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
    return port <= 65_535 ? port : 0;
  } catch {
    return 0;
  }
}
