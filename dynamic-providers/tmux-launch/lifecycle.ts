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
import { captainId } from "../../lib/voyage/captain-id.ts";
import { defineLifecycle, PartlyMade, type Present, type Settings } from "../lifecycle.ts";
import { spritesOf } from "../shared/provider-settings.ts";
import { standDown } from "../shared/stand-down.ts";
import { TmuxLaunchInputs } from "./inputs.ts";
import { interrupts } from "./interrupts.ts";
import { orderProvision, provisioned, stepsDigest } from "./provision.ts";

type Outputs = { address: string };

/**
 * The longest wait for a crew to be ready. The trial of the hand (crew/hands/claude/trial.ts) has a bound of its own
 * within it.
 */
const READY_SECONDS = 150;
const LOOK_SECONDS = 5;
const HOLD_SECONDS = 60;

/**
 * The crew at work in the ship's tmux. It is ready when its supervisor has spoken with the helm and its hand has shown
 * that it can work.
 */
export const tmuxLaunchLifecycle = defineLifecycle<TmuxLaunchInputs, Outputs>({
  inputs: TmuxLaunchInputs,
  id: (news) => `${news.sprite}-crew`,
  replaceOn: ["sprite"],
  // An update of the helm, such as for a changed plan, leaves its address as it is, so a preview draws no change for
  // the ships.
  steady: ["helmUrl"],

  interrupts,

  async reconcile(settings, news, olds) {
    const helm = await ensureHelm();
    const sprites = await spritesOf(settings, news);
    const made = { address: news.at ?? `sprite@${news.sprite}` };
    const due = isProvisionDue(olds, news);
    const isStale = olds?.crewDigest !== news.crewDigest || (await isComing(settings)) || (await isOut(helm, news));
    if (!due && olds?.incarnation === news.incarnation && isStale) await standDown(helm, sprites, news);
    const credentials = news.credentialsDigest ? claudeCredentials(settings.claudeToken, { github: news.github }) : null;
    let { token } = await helm.registerShip(news.voyageId, news.ship, news.incarnation);
    try {
      if (due) {
        // The ship is stopped first, so that the helm does not wake it for a task meanwhile, or when a step fails,
        // which only an `up` can mend. It is registered again when the steps are done.
        await standDown(helm, sprites, news);
        const order = orderProvision(news.provision ?? []);
        await board(sprites, news, { files: [...shipFiles(news, token, credentials), order.file], run: order.run });
        await provisioned(sprites, news, order);
        ({ token } = await helm.registerShip(news.voyageId, news.ship, news.incarnation));
      }
      await board(sprites, news, { files: shipFiles(news, token, credentials), run: launchCrew });
      await ready(helm, sprites, news);
    } catch (error) {
      // The helm knows the ship and its crew may still come, so a destroy must know of it.
      throw new PartlyMade(made, error);
    }
    return made;
  },

  async read(settings, props) {
    // Its crew speaks with the helm of the captain who had the voyage.
    if (await isComing(settings)) return { ...props, present: false };
    const lost = await helmClient()
      .ship(props.voyageId, props.ship)
      .then(
        // A fenced crew ends and only `up` starts another; a crew that is unfit is given no task until it is launched
        // again.
        (row) =>
          row.incarnation !== props.incarnation ||
          row.state === "fenced" ||
          row.unfit !== undefined ||
          (row.hasWork && !row.connected),
        // A helm that cannot be asked says nothing of the crew. The helm's own resource says so, and a new helm wakes
        // ships by itself.
        (error) => error instanceof OcaptainError && error.code === "NO_SHIP",
      );
    return { ...props, present: props.present && !lost };
  },

  async remove(settings, props) {
    const helm = await ensureHelm();
    const sprites = await spritesOf(settings, props);
    const live = await sprites.get(props.sprite);
    if (live?.id === props.incarnation) {
      // A ship that sleeps is woken, so that its crew can hand its claim back.
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

/**
 * Whether the plan has steps that state does not know to be done on this VM. The ship itself knows better, and does
 * none twice.
 */
const isProvisionDue = (olds: Partial<TmuxLaunchInputs & Present> | null, news: TmuxLaunchInputs) =>
  news.provision !== undefined &&
  !(olds?.present && olds.incarnation === news.incarnation && isDeepStrictEqual(olds.provision, news.provision));

/** Whether this captain takes the voyage over from another one, as `ocaptain:handover` says. */
const isComing = async ({ handover }: Settings) => handover !== undefined && handover !== "" && handover !== (await captainId());

/**
 * Whether the helm has fenced the crew or found it unfit. Such a crew may still run, and with the new token it would go
 * on without registering.
 */
const isOut = (helm: HelmClient, { voyageId, ship, incarnation }: TmuxLaunchInputs) =>
  helm.ship(voyageId, ship).then(
    (row) => row.incarnation === incarnation && (row.state === "fenced" || row.unfit !== undefined),
    () => false,
  );

/**
 * Waits for the supervisor's `hello`. Looks by an exec after each `LOOK_SECONDS` whether the crew still runs, since one
 * that ended will not report.
 * @throws OcaptainError NOT_FIT when the hand cannot work; NOT_READY, which names the ship, with the end of what the
 * supervisor wrote
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
    // It reported, found nothing to do, and ended.
    if ((await helm.shipReady(voyageId, ship, incarnation, 0)).met) return;
    why = "ended before it reported";
    break;
  }
  throw new OcaptainError("NOT_READY", `the crew of ${ship} (${sprite}) ${why}: ${await lastWords(sprites, sprite)}`, {
    hint: `pulumi up -s ${news.stack}`,
  });
}

/** The files that tell the supervisor and its hand what they need to know; mode 0600. */
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
    // Written even when it is empty, so that none is left over from another hand.
    { path: "voyage/crew/credentials", content: credentials ?? "", mode: 0o600 },
  ];
}

/**
 * Puts files on the ship by one exec, through standard input, and runs what they are for. The crew's own files came
 * with the VM. Whatever runs on a ship may have removed them since; then a second exec puts them there again.
 * @throws OcaptainError LAUNCH
 */
async function board(sprites: SpritesClient, news: TmuxLaunchInputs, order: Parameters<typeof provisionStdin>[0]): Promise<void> {
  const crew = await crewFiles();
  const ask = (more: Parameters<typeof provisionStdin>[0]) =>
    sprites.exec(news.sprite, provisionArgv(), { stdin: provisionStdin({ ...order, ...SHIP_PLACES, ...more }) });
  let result = await ask({ files: order.files, needs: digestsOf(crew) });
  if (result.exitCode === 0 && lacksFiles(result.stdout)) result = await ask({ files: [...crew, ...order.files] });
  if (result.exitCode !== 0)
    throw new OcaptainError("LAUNCH", `${news.ship}: the crew could not be launched: ${said(result.stderr)}`, {
      hint: `pulumi up -s ${news.stack}`,
    });
}

/** The end of what the supervisor wrote to stderr, for the error that names the ship. */
async function lastWords(sprites: SpritesClient, sprite: string): Promise<string> {
  const words = await sprites
    .exec(sprite, shipScript('tail -c 500 "$HOME/voyage/logs/supervisor.err"'), { timeoutMs: 10_000 })
    .catch(() => null);
  return said(words?.stdout ?? "") || "it wrote no error";
}
