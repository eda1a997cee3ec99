import { randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { voyageFolder } from "../../lib/base/paths.ts";
import { repositoryOf } from "../../lib/git/same-history.ts";
import type { Organisation } from "../../lib/sprites/organisation.ts";
import { captainId } from "../../lib/voyage/captain-id.ts";
import { readVoyageIdentity, type VoyageIdentity, writeVoyageIdentity } from "../../lib/voyage/identity.ts";
import { settingsFile } from "../../lib/voyage/settings-file.ts";
import { defineLifecycle, type Settings } from "../lifecycle.ts";
import { spritesOf } from "../shared/provider-settings.ts";
import { admit, sameVoyage } from "./admit.ts";
import { keepOrRemoveFolder, sayWhatGoes } from "./folder.ts";
import { MusterInputs } from "./inputs.ts";
import { proveSunk } from "./proof.ts";
import { putAside } from "./put-aside.ts";

type Outputs = {
  voyageId: string;
  nonce: string;
  captainId: string;
  /**
   * Minted with this state's Muster and kept in the captain's folder too: only the state that has it sails the voyage.
   */
  stateId: string;
  /** The organisation at sprites.dev in which the voyage's VMs are made. */
  organisation?: Organisation;
};

/**
 * The voyage's identity: it is minted before anything else is made, and deleted last, with the proof that nothing is
 * left.
 */
export const musterLifecycle = defineLifecycle<MusterInputs, Outputs>({
  inputs: MusterInputs,
  id: (news) => news.stack,
  replaceOn: [],
  // All other resources hang on these, so they cannot change under them.
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
      // A state that does not know the voyage yet gets an id of its own, whatever id the folder has from another state.
      stateId: (anew ? undefined : olds?.stateId) ?? (olds ? file?.stateId : undefined) ?? mint(6),
      stack: news.stack,
      ...(await captains(file)),
      createdAt: file?.createdAt ?? new Date().toISOString(),
      ...(repository && { repository }),
      ...(file?.tailnet && !file.sunkAt && { tailnet: file.tailnet }),
      ...(news.control && { control: news.control }),
      sailedFrom: sailedFrom(news.stack),
    };
    const organisation = await organisationFor(settings, news, file, olds?.organisation);
    await writeVoyageIdentity({ ...voyage, ...(organisation && { organisation }) });
    const { voyageId, nonce, captainId: me, stateId = "" } = voyage;
    return { voyageId, nonce, captainId: me, stateId, ...(organisation && { organisation }) };
  },

  async read(settings, props) {
    const file = await sameVoyage(settings, props.stack, props);
    sayWhatGoes(settings, props.stack);
    // A voyage that is handed over belongs to this captain once an `up` has written so.
    const me = await captainId();
    const mine =
      props.captainId === me && file?.captainId === me && props.stateId !== undefined && props.stateId === file.stateId;
    // A voyage keeps its id after a destroy, and a captain may get it back: a setting that is left would act a second
    // time.
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
    const folder = voyageFolder(props.stack);
    // A destroy runs no program that could say so. `ocaptain sink` says it itself.
    if (file && !byOcaptain() && existsSync(folder.workspace))
      console.error(
        `voyage ${props.stack} has sunk, and its work is kept: ${folder.workspace}\n  next: ocaptain clone ${props.stack}`,
      );
  },
});

/**
 * From where this run of Pulumi sails the stack. It stands in the captain's folder alone, since state holds no path of
 * one machine.
 */
function sailedFrom(stack: string): NonNullable<VoyageIdentity["sailedFrom"]> {
  // A provider's working folder is its project's. A file without a setting is not what was sailed by.
  const settings = settingsFile(process.cwd(), stack);
  const isRead = existsSync(settings) && readFileSync(settings, "utf8").includes("ocaptain:");
  return { project: process.cwd(), ...(isRead && { settings }), ...(byOcaptain() && { byOcaptain: true }) };
}

/** The captain of the voyage, and from whom it was taken over: the machine that had it must know it for good. */
async function captains(file: VoyageIdentity | null): Promise<Pick<VoyageIdentity, "captainId" | "takenFrom">> {
  const me = await captainId();
  const from = file && file.captainId !== me ? file.captainId : file?.takenFrom;
  return { captainId: me, ...(from && from !== me && { takenFrom: from }) };
}

/** Whether `ocaptain` runs the engine. */
const byOcaptain = () => process.env.OCAPTAIN_SAILS === "true";

const mint = (bytes: number) => randomBytes(bytes).toString("hex");

/**
 * Puts the folder of a voyage that has sunk aside, when another one is to begin in its place. Returns whether it did.
 */
async function makeWay(settings: Settings, stack: string): Promise<boolean> {
  const file = await readVoyageIdentity(stack);
  if (!file?.sunkAt || settings.beginAnew !== file.voyageId) return false;
  console.error(`voyage ${file.voyageId} is put aside: ${await putAside(stack, file.voyageId)}`);
  return true;
}

/**
 * The organisation in which the voyage's VMs are made: that of the fleet at sea, or else the one that the token belongs
 * to.
 */
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
