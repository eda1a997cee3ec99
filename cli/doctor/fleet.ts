import { readFileSync } from "node:fs";
import { join } from "node:path";
import { explain, OcaptainError } from "../../lib/base/errors.ts";
import { ocaptainHome } from "../../lib/base/paths.ts";
import { type HarborInfo, runningHarbor } from "../../lib/daemons/harbor.ts";
import { lossOf } from "../../lib/daemons/health.ts";
import { HELM_PROGRAMS } from "../../lib/daemons/helm.ts";
import { helmBuild } from "../../lib/daemons/helm-build.ts";
import { helmClient } from "../../lib/daemons/helm-client.ts";
import { voyageMutagen } from "../../lib/mutagen/voyage.ts";
import type { Health } from "../../lib/protocol/admin-api.ts";
import { readVoyageIdentity, type VoyageIdentity } from "../../lib/voyage/identity.ts";
import { readVoyageProvider } from "../../lib/voyage/provider.ts";
import { collectStatus } from "../../lib/watch/collect.ts";
import { aboutVoyage } from "../../lib/watch/hint.ts";
import { voyageNames } from "../../lib/watch/known.ts";
import { findLeftovers } from "../leftovers/find.ts";
import { findVoyage } from "../target/choose-voyage.ts";
import { lookAtCaptainNode } from "./captain-node.ts";
import { type Finding, found } from "./finding.ts";
import { lookAtStacks } from "./stacks.ts";

type Seen = { helm: Health | null; silent: OcaptainError | null; harbor: HarborInfo | undefined; voyages: VoyageIdentity[] };

/** Looks at the daemons, the voyages, and what is left of voyages that are gone. Starts and changes nothing. */
export async function lookAtFleet(): Promise<Finding[]> {
  const findings: Finding[] = [];
  const voyages: VoyageIdentity[] = [];
  for (const name of await voyageNames())
    await readVoyageIdentity(name).then(
      (file) => file && voyages.push(file),
      (error: unknown) => findings.push(found("voyages", name, "wrong", explain(error))),
    );
  const asked = await helmClient()
    .health()
    .catch((error: unknown) => error);
  const silent = asked instanceof OcaptainError && asked.code === "HELM_SILENT" ? asked : null;
  const helm = asked instanceof Error ? null : (asked as Health);
  const seen: Seen = { helm, silent, harbor: await runningHarbor(), voyages };
  findings.push(...(await daemons(seen)), ...(await lookAtCaptainNode(voyages)));
  findings.push(...(await lookAtStacks(voyages)));
  for (const voyage of voyages) findings.push(...(await lookAtVoyage(voyage, seen)));
  return [...findings, ...(await leftovers())];
}

async function daemons({ helm, silent, harbor, voyages }: Seen): Promise<Finding[]> {
  const afloat = voyages.filter((voyage) => !voyage.sunkAt);
  const none = afloat.length === 0 ? "not running; none is needed" : "not running";
  const loss = helm && lossOf(helm.pid, HELM_PROGRAMS);
  const up = afloat[0] ? `pulumi up -s ${afloat[0].stack}` : "";
  const helmFinding = loss
    ? found("daemons", "helm", "wrong", `process ${helm.pid} cannot work: ${loss}`, up || `kill ${helm.pid}`)
    : helm
      ? found(
          "daemons",
          "helm",
          "ok",
          `process ${helm.pid}, port ${helm.port}${helm.build === (await helmBuild()) ? "" : ", of other code: the next up restarts it"}`,
        )
      : silent
        ? found("daemons", "helm", "wrong", silent.message, silent.hint)
        : found("daemons", "helm", afloat.length === 0 ? "note" : "wrong", none, up);
  const harborLoss = harbor && lossOf(harbor.pid, ["tmux"]);
  const harborFinding = harborLoss
    ? found("daemons", "harbor", "wrong", `process ${harbor.pid} cannot work: ${harborLoss}`, `npm run harbor -- --stop; ${up}`)
    : harbor
      ? found("daemons", "harbor", "ok", `process ${harbor.pid}, ${harbor.url}`)
      : found("daemons", "harbor", "note", "not running");
  return [helmFinding, harborFinding];
}

async function lookAtVoyage(file: VoyageIdentity, { helm, harbor }: Seen): Promise<Finding[]> {
  const { stack, voyageId } = file;
  if (file.sunkAt) return [found("voyages", stack, "ok", `sunk ${file.sunkAt.slice(0, 10)}`)];
  const up = `pulumi up -s ${stack}`;
  const wrong = (message: string, hint = up) => found("voyages", stack, "wrong", message, hint, undefined, aboutVoyage(file));
  const me = captain();
  if (me && file.captainId !== me)
    return [
      wrong(
        `is sailed by captain ${file.captainId}, and this machine is captain ${me}`,
        `pulumi config set ocaptain:handover ${file.captainId} -s ${stack}`,
      ),
    ];

  const voyage = await findVoyage(stack);
  const provider = await readVoyageProvider(voyage.folder).catch(() => null);
  const findings: Finding[] = [];
  if (helm && !helm.voyages.includes(voyageId)) findings.push(wrong("the helm does not have it"));
  const mutagen = voyageMutagen({ voyageId, provider: provider?.kind ?? "harbor", control: file.control });
  const loss = await mutagen.daemonLoss();
  // Where the provider is not known, neither is how a daemon reaches the ships.
  const restart = provider
    ? { did: `the sync daemon of ${stack} is started anew, and its syncs go on`, run: mutagen.ensureDaemon }
    : undefined;
  if (loss) findings.push({ ...wrong(`its sync daemon cannot work: ${loss}`), fix: restart });
  else if (!(await mutagen.running())) findings.push({ ...wrong("its sync daemon does not run"), fix: restart });
  if (provider?.kind === "harbor" && !harbor) findings.push(wrong("its ships are in the harbor, which does not run"));
  const view = await collectStatus(voyage);
  // What reviewers and checks say of the work is nothing that is wrong with the fleet.
  const needs = view.from === "helm" ? view.attention.filter(({ kind }) => kind !== "landing") : [];
  findings.push(...needs.map(({ message, hint }) => wrong(message, hint)));
  return findings.length > 0 ? findings : [found("voyages", stack, "ok", view.state)];
}

/** Tells what is left of voyages that are gone; `--fix` does what needs nobody. */
async function leftovers(): Promise<Finding[]> {
  const { left } = await findLeftovers({ isNear: true });
  return left.map(({ kind, name, standing, message, kept, hint, remove }) => {
    const isSafe = kept === null && kind !== "vm" && (kind === "process" || standing === "sunk");
    const fix = isSafe ? { did: `${name} is gone`, run: remove } : undefined;
    return found("leftovers", name, "wrong", kept ? `${message}; ${kept}` : message, kept ? hint : "ocaptain sweep", fix);
  });
}

function captain(): string {
  try {
    return readFileSync(join(ocaptainHome(), "captain"), "utf8").trim();
  } catch {
    return ""; // none yet: this machine has never sailed
  }
}
