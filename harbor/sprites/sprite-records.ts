import { randomUUID } from "node:crypto";
import { chmodSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { NetworkRules } from "./network-policy.ts";
import type { StoredService } from "./service.ts";

/** What the harbor remembers of a sprite over its own restarts. Times are RFC 3339. */
export type SpriteRecord = {
  /** `sprite-<uuid>`: the incarnation. */
  id: string;
  name: string;
  labels: string[];
  urlSettings: { auth: string; private_access?: string };
  createdAt: string;
  updatedAt: string;
  lastRunningAt: string | null;
  lastWarmingAt: string | null;
  /**
   * It was made without confinement and stays so. A sprite without this is confined for ever, whatever the harbor's
   * kind is later.
   */
  unconfined?: true;
  /** The last number of its address in the harbor's subnet, if it was made with a network of its own. It stays so. */
  host?: number;
  services?: StoredService[];
  networkRules?: NetworkRules;
};

/** A sprite's folder, kept short because a unix socket's path (≤ 107 bytes) lies in it. */
export const spriteFolder = (home: string, id: string) => join(home, "s", id.slice("sprite-".length, "sprite-".length + 8));
const recordFile = (folder: string) => join(folder, "sprite.json");

export function newRecord(name: string, nowMs: number, unconfined: boolean): SpriteRecord {
  const at = new Date(nowMs).toISOString();
  return {
    id: `sprite-${randomUUID()}`,
    name,
    labels: [],
    urlSettings: { auth: "sprite" },
    createdAt: at,
    updatedAt: at,
    lastRunningAt: null,
    lastWarmingAt: null,
    ...(unconfined && { unconfined }),
  };
}

/** Writes a record whole or not at all. A folder without a record is no sprite. */
export function writeRecord(home: string, record: SpriteRecord): void {
  const folder = spriteFolder(home, record.id);
  mkdirSync(join(folder, "home"), { recursive: true, mode: 0o700 });
  mkdirSync(join(folder, "tmp"), { recursive: true });
  chmodSync(join(folder, "tmp"), 0o1777);
  const draft = `${recordFile(folder)}.new`;
  writeFileSync(draft, JSON.stringify(record), { mode: 0o600 });
  renameSync(draft, recordFile(folder));
}

/**
 * Removes a record, which is the first step of a delete: from here on the sprite is gone, whatever becomes of its
 * files.
 */
export const forgetRecord = (home: string, id: string) => rmSync(recordFile(spriteFolder(home, id)), { force: true });

/** Reads all records, and finds the folders that have none: a create or a delete that was cut off has left those. */
export function loadRecords(home: string): { records: SpriteRecord[]; remains: string[] } {
  const root = join(home, "s");
  mkdirSync(root, { recursive: true, mode: 0o700 });
  const records: SpriteRecord[] = [];
  const remains: string[] = [];
  for (const entry of readdirSync(root)) {
    const folder = join(root, entry);
    try {
      records.push(JSON.parse(readFileSync(recordFile(folder), "utf8")) as SpriteRecord);
    } catch {
      remains.push(folder);
    }
  }
  return { records, remains };
}
