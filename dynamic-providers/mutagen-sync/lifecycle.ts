import { OcaptainError } from "../../lib/base/errors.ts";
import { SPEC_LABEL, specDigest } from "../../lib/mutagen/spec.ts";
import { voyageMutagen } from "../../lib/mutagen/voyage.ts";
import { provisionArgv, provisionStdin, SHIP_PLACES } from "../../lib/ship/install.ts";
import { holdAwake } from "../../lib/sprites/keep-awake.ts";
import { defineLifecycle, PartlyMade, type Settings } from "../lifecycle.ts";
import { bringHome } from "../shared/bring-home.ts";
import { catchUp } from "../shared/catch-up.ts";
import { endOtherLives } from "../shared/other-lives.ts";
import { spritesOf } from "../shared/provider-settings.ts";
import { settleConflicts } from "../shared/settle.ts";
import { sessionSpec } from "../shared/sync-spec.ts";
import { MutagenSyncInputs } from "./inputs.ts";
import { makeRoom } from "./mirror.ts";

type Outputs = { sessionName: string };

const SETTLE_MS = 30_000;

/**
 * One of a ship's three syncs, of which each incarnation has its own. A sync that was made or mended has been through a
 * whole cycle.
 */
export const mutagenSyncLifecycle = defineLifecycle<MutagenSyncInputs, Outputs>({
  inputs: MutagenSyncInputs,
  id: (news) => `${news.sprite}-${news.session}`,
  replaceOn: ["sprite", "session"],

  async reconcile(settings, news) {
    const made = { sessionName: sessionSpec(news).name };
    try {
      await ensure(settings, news);
    } catch (error) {
      throw new PartlyMade(made, error); // the session may be there, so a destroy must know of it
    }
    return made;
  },

  async read(_settings, props) {
    const mutagen = voyageMutagen(props);
    const session = await mutagen.get(props.sessionName).catch((error: unknown) => {
      // The daemon is dead, or does not answer.
      if (error instanceof OcaptainError && error.code === "MUTAGEN_DAEMON") return null;
      throw error;
    });
    // A session of another spec, such as an earlier version's, is made again.
    const asAsked = session?.labels[SPEC_LABEL] === digestOf(props);
    // A mirror that is in conflict stays so until somebody decides; `up` decides for the ship.
    const isInConflict = props.session === "workspace" && (session?.conflicts.length ?? 0) > 0;
    return { ...props, present: props.present && session !== null && asAsked && !session.halted && !isInConflict };
  },

  async remove(settings, props) {
    const mutagen = voyageMutagen(props);
    if (props.session !== "tasks") await bringHome(settings, props);
    if (await mutagen.running()) await mutagen.terminate(props.sessionName);
  },
});

/**
 * The digest of the session as it should be; null where the state of an earlier version names no valid user, for which
 * `up` asks the ship again.
 */
function digestOf(props: MutagenSyncInputs): string | null {
  try {
    return specDigest(sessionSpec(props));
  } catch {
    return null;
  }
}

/** Makes the sync and waits for its first whole cycle. */
async function ensure(settings: Settings, news: MutagenSyncInputs): Promise<void> {
  const mutagen = voyageMutagen(news);
  await mutagen.ensureDaemon();
  const spec = sessionSpec(news);
  const isMirror = news.session === "workspace";
  const syncs = async () => {
    if (isMirror) await catchUp(mutagen, spec, news);
    await mutagen.firstCycle(await mutagen.ensureSession(spec));
    const session = isMirror && (await mutagen.get(spec.name));
    if (session) await settleConflicts(mutagen, session, news, SETTLE_MS);
  };
  await endOtherLives(news);
  if (isMirror) await makeRoom(news);
  try {
    await syncs();
  } catch {
    // Mutagen's ssh wakes no ship. One that fell asleep, perhaps during its first cycle, is woken and kept awake.
    await wakeAndTidy(settings, news);
    await syncs();
  }
}

/**
 * Wakes a ship and makes the folders for its syncs: whatever runs on a ship may have removed its whole home, and
 * Mutagen makes no folder above a root.
 */
async function wakeAndTidy(settings: Settings, of: MutagenSyncInputs): Promise<void> {
  const sprites = await spritesOf(settings, of);
  await holdAwake(sprites, of.sprite, 120);
  await sprites.exec(of.sprite, provisionArgv(), { stdin: provisionStdin({ files: [], ...SHIP_PLACES }) });
}
