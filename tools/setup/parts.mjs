/**
 * The parts of set-up, in order. Each is made only when its stamp is missing, has another key, or no longer fits what
 * is there.
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
 * A part: `name`; `title` for people; `key()`, changed by whatever asks for making it anew; `intact(stamp)`, a look
 * (milliseconds) at what is there; `make({tell, temporary})`, resolving to a stamp: `version` and `from` for the table,
 * `rows` instead when it is several things, and what `intact` and environment.mjs want to know. `temporary` is a folder
 * of its own, gone afterwards.
 */
export const parts = [system, node, packages, pulumi, mutagen, shell];

/**
 * Parts that not everybody needs, and that take minutes: made when they are asked for by name (`npm run setup --
 * headscale`).
 */
export const onDemand = [tailscale("amd64"), tailscale("arm64"), headscale];
