import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { acquireOsLock } from "../../lib/base/os-lock.ts";

/** Another reader of Parquet than the one that writes it here. */
const VERSION = "26.0.1";
const CACHE = join(import.meta.dirname, "../../.tools/pyarrow", VERSION);
const INSTALL_MS = 200_000;

/**
 * Reads a table of telemetry by pyarrow, which takes the folder's name for a column as Hive does. Returns null on a
 * machine without Python 3 and pip. It comes from PyPI once, into a cache of its own.
 */
export async function readByPyarrow(folder: string): Promise<Record<string, unknown>[] | null> {
  if (!(await installed())) return null;
  const program = `
import json, sys, pyarrow.dataset as ds
table = ds.dataset(sys.argv[1], partitioning="hive", exclude_invalid_files=False).to_table()
print(json.dumps(table.to_pylist(), default=str))`;
  const { stdout } = await execa("python3", ["-c", program, folder], {
    env: { PYTHONPATH: CACHE },
    timeout: 60_000,
    maxBuffer: 1e8,
  });
  return JSON.parse(stdout) as Record<string, unknown>[];
}

async function installed(): Promise<boolean> {
  const stamp = join(CACHE, "whole");
  if (existsSync(stamp)) return true;
  const lock = await acquireOsLock(`${CACHE}.lock`, { timeoutMs: INSTALL_MS });
  try {
    if (existsSync(stamp)) return true;
    mkdirSync(CACHE, { recursive: true });
    const pip = ["-m", "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:", "--target", CACHE];
    await execa("python3", [...pip, `pyarrow==${VERSION}`], { timeout: INSTALL_MS });
    writeFileSync(stamp, "");
    return true;
  } catch {
    return false;
  } finally {
    lock.release();
  }
}
