import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { voyageFolder } from "../../lib/base/paths.ts";
import { repositoryOf } from "../../lib/git/same-history.ts";
import type { Organisation } from "../../lib/sprites/organisation.ts";
import { captainId } from "../../lib/voyage/captain-id.ts";
import { readVoyageIdentity, type VoyageIdentity, writeVoyageIdentity } from "../../lib/voyage/identity.ts";
import { putAside } from "../../lib/voyage/put-aside.ts";
import { defineLifecycle, type Settings } from "../lifecycle.ts";
import { spritesOf } from "../shared/provider-settings.ts";
import { admit, sameVoyage } from "./admit.ts";
import { keepOrRemoveFolder, sayWhatGoes } from "./folder.ts";
import { MusterInputs } from "./inputs.ts";
import { proveSunk } from "./proof.ts";

type Outputs = {
  voyageId: string;
  nonce: string;
  captainId: string;
  /** Minted with this state's Muster, and kept in the captain's folder too: only the state that has it sails the voyage. */
  stateId: string;
  /** Where VMs at sprites.dev are made. */
  organisation?: Organisation;
};

/** The voyage itself: mints who it is before anything else, and goes last, with the proof that nothing is left (design 5). */
export const musterLifecycle = defineLifecycle<MusterInputs, Outputs>({
  inputs: MusterInputs,
  id: (news) => news.stack,
  replaceOn: [],
  // What all else hangs on cannot be exchanged under it.
  fixed: ["stack", "provider", "control"],

  async admit(settings, { stack }, olds) {
    await admit(settings, stack, olds && {});
  },

  async reconcile(settings, news, olds) {
    await admit(settings, news.stack, olds);
    const anew = await makeWay(settings, news.stack);
    const file = await readVoyageIdentity(news.stack);
    const folder = voyageFolder(news.stack);
    const repository = file?.repository ?? (existsSync(folder.repo) && (await repositoryOf(folder, news.stack)));
    const voyage: VoyageIdentity = {
      voyageId: file?.voyageId ?? mint(3),
      nonce: file?.nonce ?? mint(8),
      // A state that does not know the voyage is another one than had it, also where an `up` of that one has come no further than here.
      stateId: (anew ? undefined : olds?.stateId) ?? (olds ? file?.stateId : undefined) ?? mint(6),
      stack: news.stack,
      captainId: await captainId(),
      createdAt: file?.createdAt ?? new Date().toISOString(),
      ...(repository && { repository }),
      ...(file?.tailnet && !file.sunkAt && { tailnet: file.tailnet }),
      ...(news.control && { control: news.control }),
    };
    const organisation = await organisationFor(settings, news, file, olds?.organisation);
    await writeVoyageIdentity({ ...voyage, ...(organisation && { organisation }) });
    const { voyageId, nonce, captainId: me, stateId = "" } = voyage;
    return { voyageId, nonce, captainId: me, stateId, ...(organisation && { organisation }) };
  },

  async read(settings, props) {
    const file = await sameVoyage(settings, props.stack, props);
    sayWhatGoes(settings, props.stack);
    // A voyage handed over is not this captain's until an `up` has written so.
    const me = await captainId();
    const mine =
      props.captainId === me && file?.captainId === me && props.stateId !== undefined && props.stateId === file.stateId;
    // A voyage goes on under its id after a destroy, and a captain may get it back: a word that stays would act again.
    const spent = settings.adopt === props.voyageId ? "adopt" : settings.handover && settings.handover !== me && "handover";
    if (mine && spent) console.error(`ocaptain:${spent} has had its use: pulumi config rm ocaptain:${spent} -s ${props.stack}`);
    return { ...props, present: mine && !file.sunkAt };
  },

  async remove(settings, props) {
    await sameVoyage(settings, props.stack, props);
    await proveSunk(settings, props);
    const file = await readVoyageIdentity(props.stack);
    if (file) await writeVoyageIdentity({ ...file, sunkAt: new Date().toISOString() });
    await keepOrRemoveFolder(settings, props.stack);
  },
});

const mint = (bytes: number) => randomBytes(bytes).toString("hex");

/** The folder of a voyage that has sunk goes aside, where another one is to begin in its place. */
async function makeWay(settings: Settings, stack: string): Promise<boolean> {
  const file = await readVoyageIdentity(stack);
  if (!file?.sunkAt || settings.beginAnew !== file.voyageId) return false;
  console.error(`voyage ${file.voyageId} is put aside: ${await putAside(stack, file.voyageId)}`);
  return true;
}

/** Of a fleet that is at sea it stays what it is; the next fleet of a voyage that has sunk is made wherever the token belongs. */
async function organisationFor(
  settings: Settings,
  { stack, provider }: MusterInputs,
  file: VoyageIdentity | null,
  recorded: Organisation | undefined,
): Promise<Organisation | undefined> {
  if (provider === "harbor") return undefined;
  if (file && !file.sunkAt && (file.organisation ?? recorded)) {
    await spritesOf(settings, { stack, provider, organisation: recorded });
    return file.organisation ?? recorded;
  }
  const named = await (await spritesOf(settings, { stack, provider })).organisation();
  return Object.keys(named).length > 0 ? named : undefined;
}
