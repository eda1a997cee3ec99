import { z } from "zod";
import { claudeCredentials } from "../../lib/claude-credentials.ts";
import { crewRuns, launchCrew, stopCrew } from "../../lib/crew-launch.ts";
import { OcaptainError } from "../../lib/errors.ts";
import { type HelmClient, helmClient } from "../../lib/helm-client.ts";
import { ensureHelm } from "../../lib/helm-daemon.ts";
import { provisionArgv, provisionStdin } from "../../lib/provision.ts";
import { holdAwake } from "../../lib/sprites/awake.ts";
import { openSprites } from "../../lib/sprites/client.ts";
import type { SpritesClient } from "../../lib/sprites/types.ts";
import { defineLifecycle, PartlyMade } from "../lifecycle.ts";
import { providerSettings } from "../provider-settings.ts";

const TmuxLaunchInputs = z.object({
  stack: z.string(),
  voyageId: z.string(),
  ship: z.string(),
  sprite: z.string(),
  incarnation: z.string(),
  provider: z.enum(["harbor", "sprites"]),
  /** Other crew files: the crew is stopped and started anew. */
  crewDigest: z.string(),
  /** Of the hand's credentials, "" when it needs none: others are put on the ship, where the hand reads them at its next start. */
  credentialsDigest: z.string().default(""),
  /** Base URL of the helm as the ship reaches it. */
  helmUrl: z.string(),
  /** `user@address` of the ship in its tailnet; absent: it is reached by its provider's name. */
  at: z.string().optional(),
  /** Sync sessions that must be there first. */
  sessions: z.array(z.string()),
});
type Inputs = z.infer<typeof TmuxLaunchInputs>;
type Outputs = { address: string };

const READY_SECONDS = 60;
const LOOK_SECONDS = 5;
const STOP_SECONDS = 30;

/** The crew at work in the ship's tmux. Ready means that its supervisor has spoken with the helm. */
export const tmuxLaunchLifecycle = defineLifecycle<Inputs, Outputs>({
  inputs: TmuxLaunchInputs,
  id: (news) => `${news.sprite}-crew`,
  replaceOn: ["sprite"],

  async reconcile(settings, news, olds) {
    const helm = await ensureHelm();
    const sprites = await openSprites(providerSettings(settings, news.provider));
    if (olds?.incarnation === news.incarnation && (olds.crewDigest !== news.crewDigest || (await isFenced(helm, news)))) {
      await helm.stopShip(news.voyageId, news.ship, news.incarnation, STOP_SECONDS);
      await sprites.exec(news.sprite, stopCrew);
    }
    const made = { address: news.at ?? `sprite@${news.sprite}` };
    const { token } = await helm.registerShip(news.voyageId, news.ship, news.incarnation);
    try {
      await launch(sprites, news, token, news.credentialsDigest ? claudeCredentials(settings.claudeToken) : null);
      await ready(helm, sprites, news);
    } catch (error) {
      throw new PartlyMade(made, error); // the helm knows the ship, and its crew may yet come: destroy must know of it
    }
    return made;
  },

  async read(_settings, props) {
    const lost = await helmClient()
      .ship(props.voyageId, props.ship)
      .then(
        // A fenced crew ends, and nobody else starts another in its place.
        (row) => row.incarnation !== props.incarnation || (row.hasWork && (!row.connected || row.state === "fenced")),
        // A helm that cannot be asked says nothing of the crew: its own resource says so, and a new helm wakes ships by itself.
        (error) => error instanceof OcaptainError && error.code === "NO_SHIP",
      );
    return { ...props, present: props.present && !lost };
  },

  async remove(settings, props) {
    const helm = await ensureHelm();
    const sprites = await openSprites(providerSettings(settings, props.provider));
    const live = await sprites.get(props.sprite);
    if (live?.id === props.incarnation) {
      // A ship asleep cannot hear: it is woken, told, and given the time to hand its claim back.
      await holdAwake(sprites, props.sprite, 2 * STOP_SECONDS);
      await helm.stopShip(props.voyageId, props.ship, props.incarnation, STOP_SECONDS);
      await sprites.exec(props.sprite, stopCrew);
    }
    const known = await helm.ship(props.voyageId, props.ship).catch((error: unknown) => {
      if (error instanceof OcaptainError && (error.code === "NO_SHIP" || error.code === "NO_VOYAGE")) return null;
      throw error;
    });
    if (known?.incarnation === props.incarnation) await helm.forgetShip(props.voyageId, props.ship);
  },
});

/** A fenced crew may not have heard of it yet: with the new token in its hands it would go on, without a hello. */
const isFenced = (helm: HelmClient, { voyageId, ship, incarnation }: Inputs) =>
  helm.ship(voyageId, ship).then(
    (row) => row.incarnation === incarnation && row.state === "fenced",
    () => false,
  );

/**
 * Waits for the supervisor's hello. One that ended without it will not come: that is looked at after each `LOOK_SECONDS`, by an exec.
 * @throws OcaptainError NOT_READY naming the ship, with the supervisor's last words.
 */
async function ready(helm: HelmClient, sprites: SpritesClient, news: Inputs): Promise<void> {
  const { voyageId, ship, sprite, incarnation } = news;
  let why = `did not report within ${READY_SECONDS} s`;
  for (let waited = 0; waited < READY_SECONDS; waited += LOOK_SECONDS) {
    if ((await helm.shipReady(voyageId, ship, incarnation, LOOK_SECONDS)).met) return;
    if ((await sprites.exec(sprite, crewRuns)).exitCode === 0) continue;
    if ((await helm.shipReady(voyageId, ship, incarnation, 0)).met) return; // said hello, found nothing to do, and went
    why = "ended before it reported";
    break;
  }
  throw new OcaptainError("NOT_READY", `the crew of ${ship} (${sprite}) ${why}: ${await lastWords(sprites, sprite)}`, {
    hint: "pulumi up",
  });
}

/** One exec: what the supervisor and its hand need to know, 0600 and through stdin, and then the supervisor itself. */
async function launch(sprites: SpritesClient, news: Inputs, token: string, credentials: string | null): Promise<void> {
  const config = {
    voyageId: news.voyageId,
    stack: news.stack,
    ship: news.ship,
    incarnation: news.incarnation,
    helmUrl: news.helmUrl,
    taskList: `${news.stack}-tasks`,
  };
  const files = [
    { path: "voyage/crew/config.json", content: JSON.stringify(config, null, 2), mode: 0o600 },
    { path: "voyage/crew/token", content: token, mode: 0o600 },
    // Empty rather than left over from another hand.
    { path: "voyage/crew/credentials", content: credentials ?? "", mode: 0o600 },
  ];
  const result = await sprites.exec(news.sprite, provisionArgv(), { stdin: provisionStdin({ files, run: launchCrew }) });
  if (result.exitCode !== 0)
    throw new OcaptainError("LAUNCH", `${news.ship}: the crew could not be launched: ${result.stderr.trim().slice(-500)}`, {
      hint: "pulumi up",
    });
}

/** What the supervisor wrote to stderr before it fell silent, for the error that names the ship. */
async function lastWords(sprites: SpritesClient, sprite: string): Promise<string> {
  const said = await sprites
    .exec(sprite, ["sh", "-c", 'tail -c 500 "$HOME/voyage/logs/supervisor.err"'], { timeoutMs: 10_000 })
    .catch(() => null);
  return said?.stdout.trim() || "it wrote no error";
}
