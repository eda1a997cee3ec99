import { randomBytes } from "node:crypto";
import { rm } from "node:fs/promises";
import { z } from "zod";
import { captainId } from "../../lib/captain.ts";
import { OcaptainError } from "../../lib/errors.ts";
import { voyageFolder } from "../../lib/paths.ts";
import { readVoyageFile, writeVoyageFile } from "../../lib/voyage-file.ts";
import { defineLifecycle, type Settings } from "../lifecycle.ts";
import { proveSunk } from "./proof.ts";

const MusterInputs = z.object({
  stack: z.string(),
  /** Which service makes the ships; recorded, so that a destroy asks the one that made them. */
  provider: z.enum(["harbor", "sprites"]),
  /** The control plane of the voyage's tailnet; absent: there is none. */
  control: z.enum(["tailscale", "headscale"]).optional(),
});
type Inputs = z.infer<typeof MusterInputs>;
type Outputs = { voyageId: string; nonce: string; captainId: string };

/** The voyage itself: mints who it is before anything else, and goes last, with the proof that nothing is left (design 5). */
export const musterLifecycle = defineLifecycle<Inputs, Outputs>({
  inputs: MusterInputs,
  id: (news) => news.stack,
  replaceOn: [],
  // What all else hangs on cannot be exchanged under it.
  fixed: ["stack", "provider", "control"],

  async reconcile(settings, news, olds) {
    const me = await captainId();
    if (olds) refuseStranger(olds, me, settings, news.stack);
    const file = await readVoyageFile(news.stack);
    const voyage = {
      voyageId: file?.voyageId ?? olds?.voyageId ?? randomBytes(3).toString("hex"),
      nonce: file?.nonce ?? olds?.nonce ?? randomBytes(8).toString("hex"),
      stack: news.stack,
      captainId: me,
      createdAt: file?.createdAt ?? new Date().toISOString(),
      ...(news.control && { control: news.control }),
    };
    await writeVoyageFile(voyage);
    return { voyageId: voyage.voyageId, nonce: voyage.nonce, captainId: me };
  },

  async read(settings, props) {
    const me = await captainId();
    refuseStranger(props, me, settings, props.stack);
    const file = await readVoyageFile(props.stack);
    // A voyage handed over is not this captain's until an `up` has written so.
    const mine = props.captainId === me && file?.captainId === me;
    return { ...props, present: mine && file.voyageId === props.voyageId && !file.sunkAt };
  },

  async remove(settings, props) {
    refuseStranger(props, await captainId(), settings, props.stack);
    await proveSunk(settings, props);
    const file = await readVoyageFile(props.stack);
    if (settings.keepWorkspace === "false") await rm(voyageFolder(props.stack).root, { recursive: true, force: true });
    else if (file) await writeVoyageFile({ ...file, sunkAt: new Date().toISOString() });
  },
});

/** A voyage's mirrors, ledger and daemons are on one machine: another one's `up` or `destroy` would find nothing and lose them (design 16). */
function refuseStranger(props: { captainId?: string | undefined }, me: string, settings: Settings, stack: string): void {
  if (!props.captainId || props.captainId === me || settings.handover === props.captainId) return;
  throw new OcaptainError(
    "ANOTHER_CAPTAIN",
    `voyage "${stack}" is sailed by captain ${props.captainId}; this machine is captain ${me}`,
    {
      hint: `copy that machine's folder of the voyage here, then: pulumi config set ocaptain:handover ${props.captainId} -s ${stack}`,
    },
  );
}
