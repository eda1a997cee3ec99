import { explain, OcaptainError } from "../../lib/base/errors.ts";
import { plain, plainJson } from "../../lib/base/text.ts";
import { ensureHelm, stopHelm } from "../../lib/daemons/helm.ts";
import { helmBuild } from "../../lib/daemons/helm-build.ts";
import { helmClient } from "../../lib/daemons/helm-client.ts";
import { installedService, SERVICE_KINDS, type ServiceKind } from "../../lib/daemons/helm-service.ts";
import type { Health } from "../../lib/protocol/admin-api.ts";
import { install, kindHere, limitOf, load, uninstall, unitFile } from "../helm/service.ts";
import type { Io } from "../output/io.ts";

/** `ocaptain helm status`: the helm that runs, and the service that keeps it. Starts nothing; 1 when none runs. */
export async function helmStatus(io: Io): Promise<number> {
  const asked = await helmClient()
    .health()
    .catch((error: unknown) => error);
  if (asked instanceof OcaptainError && asked.code !== "HELM_DOWN") throw asked;
  const helm = asked instanceof Error ? null : (asked as Health);
  await tell(helm, io);
  return helm ? 0 : 1;
}

/**
 * `ocaptain helm install`: makes the helm a service of this machine, and has it start the helm, in the place of one
 * that runs. Installing it twice is installing it once.
 */
export async function helmInstall({ kind: asked }: { kind?: string }, io: Io): Promise<void> {
  if (asked !== undefined && !SERVICE_KINDS.includes(asked as ServiceKind))
    throw new OcaptainError("USAGE", `--kind ${asked}: there are ${SERVICE_KINDS.join(", ")}`, {
      hint: "ocaptain helm install --help",
    });
  const kind = (asked as ServiceKind | undefined) ?? (await kindHere());
  const before = installedService();
  if (before && before !== kind) {
    await stopHelm();
    await uninstall(before);
  }
  await install(kind);
  await stopHelm();
  try {
    await load(kind);
    await tell(await (await ensureHelm()).health(), io);
  } catch (error) {
    await uninstall(kind).catch(() => {});
    throw error;
  }
}

/** `ocaptain helm restart`: ends the helm, and starts one of this code. Ships wait meanwhile. */
export async function helmRestart(io: Io): Promise<void> {
  await stopHelm();
  await tell(await (await ensureHelm()).health(), io);
}

/** `ocaptain helm uninstall`: takes the service away. Where voyages are at sea, a helm without a service goes on. */
export async function helmUninstall(io: Io): Promise<void> {
  const kind = installedService();
  if (!kind) {
    if (io.json) io.out(plainJson({ uninstalled: null }, 2));
    else io.out("no service is installed");
    return;
  }
  const voyages = await helmClient()
    .health()
    .then((health) => health.voyages)
    .catch(() => []);
  await stopHelm();
  await uninstall(kind);
  const goesOn = voyages.length > 0 ? await (await ensureHelm()).health() : null;
  if (io.json) io.out(plainJson({ uninstalled: kind, helm: goesOn }, 2));
  else
    io.out(
      `the service is gone (${kind})${goesOn ? `; voyages are at sea, so a helm runs without it: process ${goesOn.pid}` : ""}`,
    );
}

async function tell(helm: Health | null, io: Io): Promise<void> {
  const kind = installedService();
  const limit = kind && limitOf(kind);
  const isOfThisCode = helm && helm.build === (await helmBuild().catch(explain));
  if (io.json) {
    const service = kind && { kind, file: unitFile(kind) ?? null, limit: limit?.message ?? null, hint: limit?.hint ?? null };
    io.out(plainJson({ helm: helm && { ...helm, isOfThisCode }, service }, 2));
    return;
  }
  io.out(
    helm
      ? `the helm runs: process ${helm.pid}, port ${helm.port}, since ${helm.startedAt}, voyages: ${plain(helm.voyages.join(", ")) || "none"}`
      : "no helm runs",
  );
  if (helm && !isOfThisCode) io.out("  it is of other code: the next up, or ocaptain helm restart, starts it anew");
  if (!kind) return io.out("no service keeps it: it does not outlive a reboot\n  hint: ocaptain helm install");
  io.out(`a service keeps it: ${kind}${unitFile(kind) ? `, ${plain(String(unitFile(kind)))}` : ""}`);
  if (limit) io.out(`  ${limit.message}${limit.hint ? `\n  hint: ${limit.hint}` : ""}`);
}
