/**
 * The parts of set-up, in their order. A part is made only when its stamp is missing, has another key, or no longer
 * fits what is there.
 */
import { headscale } from "./headscale.mjs";
import { mutagen } from "./mutagen.mjs";
import { node } from "./node.mjs";
import { packages } from "./packages.mjs";
import { pulumi } from "./pulumi.mjs";
import { shell } from "./shell.mjs";
import { system } from "./system.mjs";
import { tailscale } from "./tailscale.mjs";

/**
 * The parts that everybody needs. A part has a `name`; a `title` for people; `key()`, which changes when the part must
 * be made anew; `intact(stamp)`, which looks within milliseconds at what is there; and `make({tell, temporary})`, which
 * resolves to a stamp. A stamp has `version` and `from` for the table, or `rows` when the part is several things, and
 * whatever `intact` and environment.mjs read. `temporary` is a folder for this part alone, which is removed afterwards.
 */
export const parts = [system, node, packages, pulumi, mutagen, shell];

/**
 * The parts that not everybody needs, and that take minutes. They are made when they are asked for by name (`npm run
 * setup -- headscale`).
 */
export const onDemand = [tailscale("amd64"), tailscale("arm64"), headscale];
