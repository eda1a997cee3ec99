import type { IncomingMessage } from "node:http";
import { captainTelemetry, type VoyageFolder } from "../../lib/base/paths.ts";
import type { Table } from "../../lib/telemetry/schema.ts";
import type { Sender } from "../../lib/telemetry/wire.ts";
import type { Ledger, Life } from "../ledger/ledger.ts";

/** The paths of OTLP over HTTP, by the table that each is for. */
const PATHS: Record<string, Table> = { "/v1/logs": "logs", "/v1/metrics": "metrics", "/v1/traces": "spans" };
/** Before these paths, for ships, which have tokens. */
const OF_SHIPS = "/otlp";
/** The header by which a supervisor says of which claim a body is: its task and epoch. */
export const CLAIM_HEADER = "x-ocaptain-claim";

/** Finds the table for which a ship sends; undefined when the request is none of OTLP. */
export const tableOfShip = (request: IncomingMessage): Table | undefined =>
  request.method === "POST" && request.url?.startsWith(`${OF_SHIPS}/`) ? PATHS[request.url.slice(OF_SHIPS.length)] : undefined;

/** Finds the table for which a program of the captain's sends, which knows the usual paths alone. */
export const tableOfProgram = (request: IncomingMessage): Table | undefined =>
  request.method === "POST" ? PATHS[request.url ?? ""] : undefined;

/** Any program of the captain's. */
export const captain = (): Sender => ({ folder: captainTelemetry(), voyage: null, ship: null, task: null, epoch: null });

/**
 * The ship that sends: by its token, and by what the ledger knows of its claims. What is sent may be late, so that the
 * supervisor says of which claim it is; that counts where the ship has had this claim, and else the one that it holds.
 */
export function shipSender(voyage: string, folder: VoyageFolder, ledger: Ledger, { life, ship }: Life, said: unknown): Sender {
  const { task = null, epoch = null } = saidClaim(ledger, life, said) ?? heldClaim(ledger, life) ?? {};
  return { folder: folder.telemetry, voyage, ship, task, epoch };
}

type Claim = { task: string; epoch: number };

function saidClaim(ledger: Ledger, life: number, said: unknown): Claim | undefined {
  const [, epoch, id] = /^(\d{1,9}) (\S{1,768})$/.exec(String(said ?? "")) ?? [];
  if (!epoch || !id) return undefined;
  const claim = { task: decoded(id), epoch: Number(epoch) };
  return ledger.hadClaim(life, claim.task, claim.epoch) ? claim : undefined;
}

function heldClaim(ledger: Ledger, life: number): Claim | undefined {
  const held = ledger.claimOf(life);
  return held && { task: held.id, epoch: held.epoch };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
