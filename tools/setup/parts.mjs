/**
 * The parts of set-up, in their order. A part is made only when its stamp is missing, has another key, or no longer
 * fits what is there.
 */
import { isCheckout } from "../places.mjs";
import { gitea } from "./gitea.mjs";
import { headscale } from "./headscale.mjs";
import { mutagen } from "./mutagen.mjs";
import { node } from "./node.mjs";
import { packages } from "./packages.mjs";
import { page } from "./page.mjs";
import { pulumi } from "./pulumi.mjs";
import { shell } from "./shell.mjs";
import { state } from "./state.mjs";
import { chromium, system } from "./system.mjs";
import { tailscale } from "./tailscale.mjs";

/**
 * The parts that everybody needs. A part has a `name`; a `title` for people; `key()`, which changes when the part must
 * be made anew; `intact(stamp)`, which looks within milliseconds at what is there; for some `foresee({earlier})`,
 * which rejects when this machine lacks what `make` needs, before anything is made; and `make({tell, note, temporary,
 * place, earlier})`, which resolves to a stamp. `tell(text)` shows what goes on, `note(text)` writes a line that
 * stays. A stamp has `version` and `from` for the table, or `rows` when the part is several things, and whatever
 * `intact` and environment.mjs read. `temporary` is a folder for this part alone, which is removed afterwards;
 * `place(folder)` puts what was made there into the part's folder and returns that (tools/places.mjs). `earlier` is
 * the part's stamp in the checkout's `.tools/`, where all parts once were, if it still fits: its files are to be
 * taken. Their names there are in the part's `earlier`.
 */
export const parts = [
  system,
  node,
  ...(isCheckout ? [packages, page] : []),
  pulumi,
  mutagen,
  state,
  ...(isCheckout ? [shell] : []),
];

/**
 * The parts that not everybody needs, and that take minutes. They are made when they are asked for by name (`npm run
 * setup -- headscale`).
 */
export const onDemand = [tailscale("amd64"), tailscale("arm64"), headscale, gitea, chromium];
