import { randomBytes } from "node:crypto";
import { existsSync, linkSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { passphraseFile, pulumiHome, stateFolder } from "../places.mjs";

const isReady = () => existsSync(stateFolder()) && existsSync(passphraseFile()) && !(statSync(passphraseFile()).mode & 0o077);

/**
 * The captain's own place for Pulumi's state, and its passphrase, for whoever has none. It is what there is, and no
 * stamp, that says whether it was made.
 */
export const state = {
  name: "state",
  title: "Pulumi's state and passphrase",
  key: () => "",
  intact: isReady,
  look: () => (isReady() ? { key: "", version: "", from: pulumiHome() } : undefined),
  make: async () => makeState(),
};

/** Makes what is missing of both. The passphrase is made only once, for what it has encrypted no other can read. */
export function makeState() {
  if (isReady()) return;
  mkdirSync(stateFolder(), { recursive: true, mode: 0o700 });
  const file = passphraseFile();
  if (!existsSync(file)) {
    const temporary = mkdtempSync(join(pulumiHome(), "tmp-"));
    const made = join(temporary, "passphrase");
    writeFileSync(made, `${randomBytes(24).toString("hex")}\n`, { mode: 0o600 });
    try {
      linkSync(made, file); // Unlike a rename, a link never replaces a file that is there.
    } catch (error) {
      if (error.code !== "EEXIST") throw error; // Another process has made it meanwhile.
    } finally {
      rmSync(temporary, { recursive: true });
    }
  }
  if (statSync(file).mode & 0o077) throw new Error(`others can read the passphrase. Type: chmod 600 ${file}`);
}
