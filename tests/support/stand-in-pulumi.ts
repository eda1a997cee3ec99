import { existsSync } from "node:fs";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { partFolder } from "../../tools/places.mjs";

/**
 * Puts a `pulumi` into `folder` that notes what it is asked for, and gives all but `preview`, `up` and `destroy` to the
 * real one. The first two change nothing, and end with the status in STAND_IN_STATUS, else with 0. Its `destroy` leaves
 * of a voyage what the real one does: the word that it has sunk.
 */
export async function standInPulumi(folder: string) {
  const real = (process.env.PATH ?? "").split(delimiter).find((each) => existsSync(join(each, "pulumi")));
  const log = join(folder, "asked");
  const bin = join(folder, "bin");
  await mkdir(bin, { recursive: true });
  await writeFile(log, "");
  await writeFile(join(bin, "pulumi"), SCRIPT(log, join(real ?? "", "pulumi")));
  await chmod(join(bin, "pulumi"), 0o755);
  // `ocaptain` takes the one that set-up has noted, if there is one, and else the first on PATH.
  const tools = join(folder, "tools");
  const part = partFolder("pulumi", { OCAPTAIN_TOOLS: tools }) as string;
  await mkdir(part, { recursive: true });
  await writeFile(join(part, "stamp.json"), JSON.stringify({ path: join(bin, "pulumi") }));
  return {
    /** Variables for an `ocaptain` that is to find this one. */
    env: { PATH: `${bin}${delimiter}${process.env.PATH}`, OCAPTAIN_TOOLS: tools },
    /** The runs of the engine that were asked for since the last call: `destroy sea`. */
    async runs(): Promise<string[]> {
      const lines = (await readFile(log, "utf8")).split("\n").filter(Boolean);
      await writeFile(log, "");
      return lines;
    },
  };
}

const SCRIPT = (log: string, real: string) => `#!/bin/sh
for word in "$@"; do
  [ "$before" = -s ] && stack=$word
  before=$word
done
case $1 in
  preview | up)
    echo "$1 $stack" >> '${log}'
    exit "\${STAND_IN_STATUS:-0}"
    ;;
  destroy)
    echo "$1 $stack" >> '${log}'
    sed -i '1s/{/{"sunkAt":"2026-01-02T00:00:00.000Z",/' "$OCAPTAIN_VOYAGES/$stack/voyage.json"
    ;;
  *) exec '${real}' "$@" ;;
esac
`;
