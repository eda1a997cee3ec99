import { readFileSync } from "node:fs";
import { join } from "node:path";
import { OcaptainError } from "../../../lib/base/errors.ts";
import { PROJECT } from "../../../lib/base/program-file.ts";
import { purposeOf } from "../../../lib/plan/load.ts";
import { Plan } from "../../../lib/plan/types.ts";
import { collectStatus } from "../../../lib/watch/collect.ts";
import type { KnownVoyage } from "../../../lib/watch/known.ts";
import type { StatusView } from "../../../lib/watch/view.ts";
import { claimsOf, earlierClaims, inOrder } from "./claims.ts";
import { type Branch, readBranch } from "./commits.ts";
import type { ReportFacts, TaskFacts, VoyageFacts } from "./facts.ts";
import { graphOf } from "./graph.ts";
import { holdsOf } from "./holds.ts";
import { setbacksOf } from "./setbacks.ts";
import { shipsOf } from "./ships.ts";
import { spendingOf } from "./spending.ts";
import { readTables, type Tables } from "./tables.ts";
import { verificationOf } from "./verification.ts";

/** How many events are told one by one, the newest. */
const MOST_EVENTS = 2_000;
/** Characters of an objective. */
const MOST_OBJECTIVE = 4_000;

/**
 * Collects what there is to report of a voyage, at sea or sunk: from its ledger's file, its repository, and the view
 * that `ocaptain status` has. Changes nothing, wakes no ship and starts no daemon.
 * @throws OcaptainError NOTHING_TO_REPORT when the voyage has no ledger yet, LEDGER when that cannot be read
 */
export async function collectReport(voyage: KnownVoyage): Promise<ReportFacts> {
  const view = await collectStatus(voyage);
  const tables = readTables(voyage.folder.ledger);
  if (!tables)
    throw new OcaptainError("NOTHING_TO_REPORT", `voyage "${voyage.file.stack}" has no ledger: nothing has happened in it yet`, {
      hint: `pulumi up -s ${voyage.file.stack}`,
    });
  const commits = tables.tasks.flatMap(({ status, commit_id }) => (status === "accepted" && commit_id ? [commit_id] : []));
  const from = { repo: voyage.folder.repo, voyageId: voyage.file.voyageId };
  return factsOf({ voyage, view, tables, branch: await readBranch(from, view.tip, commits) });
}

/** Makes the facts of what was read. */
export function factsOf(read: {
  voyage: Pick<KnownVoyage, "file">;
  view: StatusView;
  tables: Tables;
  branch: Branch | null;
}): ReportFacts {
  const { view, tables, branch } = read;
  const { createdAt, sunkAt = null } = read.voyage.file;
  const { events, wentBack } = inOrder(tables.events);
  const isWhole = events[0]?.kind === "voyage-registered" && events[0].data?.first === true;
  const knownFrom = events[0]?.at ?? null;
  const asOf = latest(view.asOf, sunkAt, events.at(-1)?.at) ?? createdAt;
  const claims = claimsOf(events, tables);
  const earlier = isWhole ? [] : earlierClaims(tables, claims);
  const all = [...earlier, ...claims];
  const spending = spendingOf(tables);
  const last = events.at(-1);
  const from = isWhole ? knownFrom! : (earliest(createdAt, knownFrom, ...earlier.map((claim) => claim.from)) ?? createdAt);
  const to = latest(last?.kind === "voyage-deregistered" ? last.at : asOf, ...all.map((claim) => claim.to), from)!;
  const tasks = tasksOf(tables, all, spending, branch);
  const secondsOf = new Map(tasks.map(({ id, seconds }) => [id, seconds]));
  const graph = graphOf(
    tasks.filter(({ status }) => status !== "cancelled"),
    (id) => secondsOf.get(id) ?? null,
  );
  const critical = new Set(graph.criticalPath);
  const ended = all.filter((claim) => claim.to !== null);
  return {
    voyage: voyageOf(read, asOf),
    period: {
      from,
      to,
      work:
        ended.length > 0
          ? { from: earliest(...all.map((claim) => claim.from))!, to: latest(...ended.map((claim) => claim.to))! }
          : null,
      knownFrom: isWhole ? from : knownFrom,
    },
    tasks: tasks.map((task) => ({ ...task, isCritical: critical.has(task.id) })),
    ships: shipsOf({ events, claims, earlier, tables, view, spending, from, to, isWhole }),
    holds: holdsOf(events),
    graph,
    spend: spending.spend,
    delivery: {
      commits: tasks.filter(({ status, commit }) => status === "accepted" && commit).length,
      ...(branch?.whole ?? { change: null, base: null }),
    },
    verification: verificationOf(events, all, tables, view.tip),
    landed: view.landed.map(({ number, url, link, state }) => ({ number, url, link, state })),
    setbacks: setbacksOf(events, tables, isWhole ? from : knownFrom),
    events: { total: tables.eventCount, whole: isWhole, shown: tables.events.slice(-MOST_EVENTS) },
    unknown: unknowns({ view, tables, isWhole, wentBack, knownFrom, hasBranch: branch !== null }),
  };
}

const earliest = (...times: (string | null | undefined)[]) => times.filter((time) => time != null).sort()[0];
const latest = (...times: (string | null | undefined)[]) =>
  times
    .filter((time) => time != null)
    .sort()
    .at(-1);

function tasksOf(
  tables: Tables,
  claims: ReturnType<typeof claimsOf>,
  { byTask, thrownAwayOf }: ReturnType<typeof spendingOf>,
  branch: Branch | null,
) {
  const deliveries = new Map(tables.deliveries.map((row) => [`${row.task} ${row.commit_id}`, row]));
  const accepted = new Map(
    claims.filter(({ end }) => end === "accepted").map((claim) => [`${claim.task} ${claim.epoch}`, claim]),
  );
  return tables.tasks.map((row): TaskFacts => {
    const task = row.status === "accepted" ? (row.body ?? row.planned) : (row.planned ?? row.body);
    const isAccepted = row.status === "accepted";
    const claim = isAccepted ? accepted.get(`${row.id} ${row.epoch}`) : undefined;
    const delivery = deliveries.get(`${row.id} ${row.commit_id}`);
    const lasted = claim ? (Date.parse(claim.to!) - Date.parse(claim.from)) / 1000 : null;
    return {
      id: row.id,
      subject: task?.subject ?? "",
      status: row.status,
      blockedBy: task?.blockedBy ?? [],
      ship: row.ship,
      commit: isAccepted ? row.commit_id : null,
      check: typeof task?.metadata.check === "string" && task.metadata.check !== "" ? task.metadata.check.slice(0, 2_000) : null,
      summary: isAccepted ? row.summary || null : null,
      reason: row.reason,
      grants: row.epoch,
      seconds: isAccepted ? (delivery?.seconds ?? lasted) : null,
      acceptedAt: isAccepted ? (claim?.to ?? row.changed_at) : null,
      usage: byTask.get(row.id) ?? null,
      thrownAwayUsd: thrownAwayOf(row.id),
      budgetUsd: budgetOf(task?.metadata.claude),
      change: (isAccepted && row.commit_id !== null && branch?.changes.get(row.commit_id)) || null,
      outside: (isAccepted && delivery?.outside) || null,
      isCritical: false,
    };
  });
}

const budgetOf = (claude: unknown): number | null => {
  const budget = (claude as { budgetUsd?: unknown } | null | undefined)?.budgetUsd;
  return typeof budget === "number" ? budget : null;
};

function voyageOf({ voyage, view, tables: { meta } }: Parameters<typeof factsOf>[0], asOf: string): VoyageFacts {
  const { file } = voyage;
  const plan = Plan.partial().safeParse(parse(meta.plan)).data;
  const { version } = JSON.parse(readFileSync(join(PROJECT, "package.json"), "utf8")) as { version: string };
  return {
    ...{ id: view.id, stack: view.stack, state: view.state, sunkAs: view.sunkAs, branch: view.branch, tip: view.tip, asOf },
    name: meta.name || view.stack,
    purpose: plan?.purpose || purposeOf(meta.spec),
    objective: objectiveIn(meta.spec),
    spec: meta.spec,
    createdAt: file.createdAt,
    sunkAt: file.sunkAt ?? null,
    hand: meta.hand || null,
    model: meta.hand === "claude" ? (plan?.claude?.model ?? null) : null,
    repository: file.repository?.address || null,
    sailedBy: file.sailedFrom ? (file.sailedFrom.byOcaptain ? "ocaptain" : "Pulumi") : null,
    reportedBy: version,
  };
}

/** What a spec says under a heading "Objective" or after "Objective:"; null where it has neither. */
export function objectiveIn(spec: string): string | null {
  const lines = spec.split("\n");
  const at = lines.findIndex((line) => /^#{1,6}\s+(the )?objectives?\s*:?\s*$|^\**objectives?\**\s*:/i.test(line));
  if (at < 0) return null;
  const isHeading = lines[at]!.startsWith("#");
  const rest = lines.slice(at + 1);
  const end = rest.findIndex((line) => /^#{1,6}\s/.test(line) || (!isHeading && line.trim() === ""));
  const first = isHeading ? [] : [lines[at]!.replace(/^\**objectives?\**\s*:\**\s*/i, "")];
  return [...first, ...(end < 0 ? rest : rest.slice(0, end))].join("\n").trim().slice(0, MOST_OBJECTIVE) || null;
}

type Known = {
  view: StatusView;
  tables: Tables;
  isWhole: boolean;
  wentBack: boolean;
  knownFrom: string | null;
  hasBranch: boolean;
};

function unknowns({ view, tables, isWhole, wentBack, knownFrom, hasBranch }: Known): string[] {
  const said: string[] = [];
  if (knownFrom === null)
    said.push(
      "The ledger has no events, as a helm of earlier code has kept it: who did what when is not known, but for what tasks and commits tell.",
    );
  else if (!isWhole)
    said.push(`Events are known from ${knownFrom} on: what ships did before is not known, but for what tasks and commits tell.`);
  if (wentBack)
    said.push("The captain's clock was set back meanwhile: times are those that it told, and none is before the one before it.");
  if (view.from === "files" && view.state !== "sunk") said.push("The helm does not answer: what ships do now is not known.");
  if (!hasBranch && tables.tasks.some(({ commit_id }) => commit_id !== null))
    said.push("The voyage's repository cannot be read: what its commits change is not known.");
  return said;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
