import { expect, test } from "vitest";
import type { HarborClock } from "../../harbor/sprites/clock.ts";
import { DISK_LOOK_MS } from "../../harbor/sprites/disk-watch.ts";
import { latencyProfile } from "../../harbor/sprites/latency.ts";
import { openHarbor } from "./fixture.ts";

/**
 * A clock that lets nobody wait, and keeps how long each asked to. Idleness, which takes 30 s and more, never comes,
 * nor does a look at the disk.
 */
function recordingClock(): HarborClock & { waits(): number[] } {
  let asked: number[] = [];
  return {
    now: () => 0,
    after(ms, run) {
      if (ms < 30_000 && ms !== DISK_LOOK_MS) {
        asked.push(ms);
        setImmediate(run);
      }
      return () => {};
    },
    waits() {
      const result = asked;
      asked = [];
      return result;
    },
  };
}

test("realistic: create 1.5 s; exec and files 0.47 s; a wake 0.3 s when fresh or warm, 2 s when cold; reads are free", async () => {
  const clock = recordingClock();
  const { create, sh, sleep, call } = await openHarbor({ latency: latencyProfile("realistic"), clock });
  await create("a");
  expect(clock.waits()).toEqual([1500]);
  await sh("a", "true");
  expect(clock.waits()).toEqual([300, 470]);
  await sh("a", "true");
  expect(clock.waits()).toEqual([470]);
  await sleep("a", "warm");
  await call("GET", "/v1/sprites/a/fs/list?path=/tmp");
  expect(clock.waits()).toEqual([300, 470]);
  await sleep("a", "cold");
  await sh("a", "true");
  expect(clock.waits()).toEqual([2000, 470]);
  for (const path of ["", "/a"]) await call("GET", `/v1/sprites${path}`);
  await call("DELETE", "/v1/sprites/a");
  expect(clock.waits()).toEqual([]);
});
