import { isDeepStrictEqual } from "node:util";
import { OcaptainError } from "../../lib/base/errors.ts";
import { said } from "../../lib/base/text.ts";
import { ensureHelm } from "../../lib/daemons/helm.ts";
import { type HelmClient, helmClient } from "../../lib/daemons/helm-client.ts";
import type { CrewConfig } from "../../lib/protocol/ship-files.ts";
import { claudeCredentials } from "../../lib/ship/credentials.ts";
import { crewRuns, launchCrew } from "../../lib/ship/crew-launch.ts";
import { crewFiles } from "../../lib/ship/crew-pack.ts";
import { digestsOf, lacksFiles, provisionArgv, provisionStdin, SHIP_PLACES, type ShipFile } from "../../lib/ship/install.ts";
import { shipScript } from "../../lib/ship/shell.ts";
import { holdAwake } from "../../lib/sprites/keep-awake.ts";
import type { SpritesClient } from "../../lib/sprites/types.ts";
import { defineLifecycle, PartlyMade, type Present } from "../lifecycle.ts";
import { spritesOf } from "../shared/provider-settings.ts";
import { standDown } from "../shared/stand-down.ts";
import { TmuxLaunchInputs } from "./inputs.ts";
import { orderProvision, provisioned, stepsDigest } from "./provision.ts";

type Outputs = { address: string };

/** The trial of the hand has a time of its own within it (crew/hands/claude/trial.ts). */
const READY_SECONDS = 150;
const LOOK_SECONDS = 5;
const HOLD_SECONDS = 60;

/** The crew at work in the ship's tmux. Ready means that its supervisor has spoken with the helm, and its hand has shown that it can work. */
export const tmuxLaunchLifecycle = defineLifecycle<TmuxLaunchInputs, Outputs>({
  inputs: TmuxLaunchInputs,
  id: (news) => `${news.sprite}-crew`,
  replaceOn: ["sprite"],
  // An update of the helm (a changed plan) leaves it where it is: ships are not drawn as changed with it.
  steady: ["helmUrl"],

  async reconcile(settings, news, olds) {
    const helm = await ensureHelm();
    const sprites = await spritesOf(settings, news);
    const made = { address: news.at ?? `sprite@${news.sprite}` };
    const due = isProvisionDue(olds, news);
    if (!due && olds?.incarnation === news.incarnation && (olds.crewDigest !== news.crewDigest || (await isOut(helm, news))))
      await standDown(helm, sprites, news);
    const credentials = news.credentialsDigest ? claudeCredentials(settings.claudeToken, { github: news.github }) : null;
    let { token } = await helm.registerShip(news.voyageId, news.ship, news.incarnation);
    try {
      if (due) {
        // Told to stop, so that the helm does not wake it for a task meanwhile, or when a step fails: only an `up` can help. Registered anew when it is done.
        await standDown(helm, sprites, news);
        const order = orderProvision(news.provision ?? []);
        await board(sprites, news, { files: [...shipFiles(news, token, credentials), order.file], run: order.run });
        await provisioned(sprites, news, order);
        ({ token } = await helm.registerShip(news.voyageId, news.ship, news.incarnation));
      }
      await board(sprites, news, { files: shipFiles(news, token, credentials), run: launchCrew });
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
        // A fenced crew ends, and nobody else starts another in its place; an unfit one is given nothing before it is launched anew.
        (row) =>
          row.incarnation !== props.incarnation ||
          row.state === "fenced" ||
          row.unfit !== undefined ||
          (row.hasWork && !row.connected),
        // A helm that cannot be asked says nothing of the crew: its own resource says so, and a new helm wakes ships by itself.
        (error) => error instanceof OcaptainError && error.code === "NO_SHIP",
      );
    return { ...props, present: props.present && !lost };
  },

  async remove(settings, props) {
    const helm = await ensureHelm();
    const sprites = await spritesOf(settings, props);
    const live = await sprites.get(props.sprite);
    if (live?.id === props.incarnation) {
      // A ship asleep cannot hear: it is woken, told, and given the time to hand its claim back.
      await holdAwake(sprites, props.sprite, HOLD_SECONDS);
      await standDown(helm, sprites, props);
    }
    const known = await helm.ship(props.voyageId, props.ship).catch((error: unknown) => {
      if (error instanceof OcaptainError && (error.code === "NO_SHIP" || error.code === "NO_VOYAGE")) return null;
      throw error;
    });
    if (known?.incarnation === props.incarnation) await helm.forgetShip(props.voyageId, props.ship);
  },
});

/** Are there steps of which it is not known that they are done on this VM? The ship itself knows better, and does none twice. */
const isProvisionDue = (olds: Partial<TmuxLaunchInputs & Present> | null, news: TmuxLaunchInputs) =>
  news.provision !== undefined &&
  !(olds?.present && olds.incarnation === news.incarnation && isDeepStrictEqual(olds.provision, news.provision));

/** A fenced crew may not have heard of it yet, and an unfit one may still be there: with the new token in its hands it would go on, without a hello. */
const isOut = (helm: HelmClient, { voyageId, ship, incarnation }: TmuxLaunchInputs) =>
  helm.ship(voyageId, ship).then(
    (row) => row.incarnation === incarnation && (row.state === "fenced" || row.unfit !== undefined),
    () => false,
  );

/**
 * Waits for the supervisor's hello. One that ended without it will not come: that is looked at after each `LOOK_SECONDS`, by an exec.
 * @throws OcaptainError NOT_READY naming the ship, with the supervisor's last words.
 */
async function ready(helm: HelmClient, sprites: SpritesClient, news: TmuxLaunchInputs): Promise<void> {
  const { voyageId, ship, sprite, incarnation } = news;
  let why = `did not report within ${READY_SECONDS} s`;
  for (let waited = 0; waited < READY_SECONDS; waited += LOOK_SECONDS) {
    const { met, ship: row } = await helm.shipReady(voyageId, ship, incarnation, LOOK_SECONDS);
    if (met) return;
    if (row.unfit)
      throw new OcaptainError("NOT_FIT", `${ship} (${sprite}) cannot work: ${said(row.unfit, 2000)}`, {
        hint: `mend it, then: pulumi up -s ${news.stack}`,
      });
    if ((await sprites.exec(sprite, crewRuns)).exitCode === 0) continue;
    if ((await helm.shipReady(voyageId, ship, incarnation, 0)).met) return; // said hello, found nothing to do, and went
    why = "ended before it reported";
    break;
  }
  throw new OcaptainError("NOT_READY", `the crew of ${ship} (${sprite}) ${why}: ${await lastWords(sprites, sprite)}`, {
    hint: "pulumi up",
  });
}

/** What the supervisor and its hand need to know, 0600. */
function shipFiles(news: TmuxLaunchInputs, token: string, credentials: string | null): ShipFile[] {
  const config: CrewConfig = {
    voyageId: news.voyageId,
    stack: news.stack,
    ship: news.ship,
    incarnation: news.incarnation,
    helmUrl: news.helmUrl,
    taskList: `${news.stack}-tasks`,
    ...(news.provision && { provision: stepsDigest(news.provision) }),
  };
  return [
    { path: "voyage/crew/config.json", content: JSON.stringify(config, null, 2), mode: 0o600 },
    { path: "voyage/crew/token", content: token, mode: 0o600 },
    // Empty rather than left over from another hand.
    { path: "voyage/crew/credentials", content: credentials ?? "", mode: 0o600 },
  ];
}

/**
 * One exec: files through stdin, and then what they are for. The crew's own files came with the VM; where they are gone since (whatever runs on a ship may
 * remove them), they are put there again by a second one.
 */
async function board(sprites: SpritesClient, news: TmuxLaunchInputs, order: Parameters<typeof provisionStdin>[0]): Promise<void> {
  const crew = await crewFiles();
  const ask = (more: Parameters<typeof provisionStdin>[0]) =>
    sprites.exec(news.sprite, provisionArgv(), { stdin: provisionStdin({ ...order, ...SHIP_PLACES, ...more }) });
  let result = await ask({ files: order.files, needs: digestsOf(crew) });
  if (result.exitCode === 0 && lacksFiles(result.stdout)) result = await ask({ files: [...crew, ...order.files] });
  if (result.exitCode !== 0)
    throw new OcaptainError("LAUNCH", `${news.ship}: the crew could not be launched: ${said(result.stderr)}`, {
      hint: "pulumi up",
    });
}

/** What the supervisor wrote to stderr before it fell silent, for the error that names the ship. */
async function lastWords(sprites: SpritesClient, sprite: string): Promise<string> {
  const words = await sprites
    .exec(sprite, shipScript('tail -c 500 "$HOME/voyage/logs/supervisor.err"'), { timeoutMs: 10_000 })
    .catch(() => null);
  return said(words?.stdout ?? "") || "it wrote no error";
}
