/**
 * `node bench/page.ts [runs]` measures the page in a real Chromium at 100 ships and 1,000 tasks, of a real helm: the
 * time to its first paint and until all rows are there, its memory, and what 10 changes a second cost it. The floor is
 * the same page with one ship and one task.
 */
import { type Browser, chromium } from "playwright-core";
import { helmClient } from "../lib/daemons/helm-client.ts";
import type { Grant } from "../lib/protocol/ship-claims.ts";
import { openSea } from "../tests/page/sea.ts";
import { median, percentile } from "./numbers.ts";
import { whereAndWhen } from "./report.ts";

const runs = Number(process.argv[2] ?? 5);
const CHANGES_MS = 10_000;
const say = (text: string) => process.stderr.write(`${text}\n`);
const QUIET = { leaseSeconds: 6000, heartbeatSeconds: 600, fenceSeconds: 4500, lingerSeconds: 5 };

type Seen = { paintMs: number; rowsMs: number; heapMb: number; busyShare: number; frames: number };

const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", chromiumSandbox: process.getuid?.() !== 0 });
try {
  const [floor, fleet] = [await measure(1, 1), await measure(100, 1_000)];
  console.log(JSON.stringify(whereAndWhen([])));
  console.log("| what | 1 ship, 1 task | 100 ships, 1,000 tasks | ratio |\n|---|---|---|---|");
  const row = (what: string, of: (seen: Seen) => number, unit: string, digits = 0) => {
    const [small, large] = [floor, fleet].map((all) => median(all.map(of))) as [number, number];
    console.log(
      `| ${what} | ${small.toFixed(digits)} ${unit} | ${large.toFixed(digits)} ${unit} | ${(large / small).toFixed(1)} × |`,
    );
  };
  row("first paint", (seen) => seen.paintMs, "ms");
  row("all rows are there", (seen) => seen.rowsMs, "ms");
  row("memory of the page's scripts", (seen) => seen.heapMb, "MB", 1);
  row("main thread at work, 10 changes a second", (seen) => 100 * seen.busyShare, "%", 1);
  row("frames a second meanwhile", (seen) => seen.frames, "", 0);
  say(
    `slowest 100 ships: ${percentile(
      fleet.map(({ rowsMs }) => rowsMs),
      1,
    ).toFixed(0)} ms`,
  );
} finally {
  await browser.close();
}
process.exit();

async function measure(shipCount: number, taskCount: number): Promise<Seen[]> {
  say(`${shipCount} ships, ${taskCount} tasks`);
  const blockers = (index: number) => (index < shipCount ? [] : [String(index - shipCount + 1)]);
  const graph = Object.fromEntries(Array.from({ length: taskCount }, (_, index) => [String(index + 1), blockers(index)]));
  const sea = await openSea(graph, { timing: QUIET });
  try {
    const ships: { ship: Awaited<ReturnType<typeof sea.come>>; grant: Grant }[] = [];
    for (let i = 0; i < shipCount; i++) {
      const ship = await sea.come(`ship-${i}`);
      ships.push({ ship, grant: await ship.grant() });
    }
    const seen: Seen[] = [];
    for (let run = 0; run < runs; run++) {
      let step = 0;
      const change = async () => {
        const { ship, grant } = ships[step++ % Math.min(10, ships.length)]!;
        await ship.note(grant, `step ${step}`);
      };
      seen.push(await look(browser, (await helmClient().openPage({})).url, shipCount, change));
      say(JSON.stringify(seen.at(-1)));
    }
    return seen;
  } finally {
    await sea.close();
  }
}

/** One visit by a browser that has nothing in its cache. */
async function look(browser: Browser, url: string, shipCount: number, change: () => Promise<void>): Promise<Seen> {
  const context = await browser.newContext({ viewport: { width: 1400, height: 1000 } });
  const page = await context.newPage();
  const tools = await context.newCDPSession(page);
  await tools.send("Performance.enable");
  const metric = async (name: string) => {
    const { metrics } = await tools.send("Performance.getMetrics");
    return metrics.find((one) => one.name === name)?.value ?? 0;
  };
  const started = performance.now();
  await page.goto(url);
  await page
    .locator(".ships tbody tr")
    .nth(shipCount - 1)
    .waitFor({ state: "attached" });
  const rowsMs = performance.now() - started;
  const paintMs = (await page.evaluate(
    `new Promise((resolve) => new PerformanceObserver((list) => resolve(list.getEntriesByName("first-contentful-paint")[0].startTime)).observe({ type: "paint", buffered: true }))`,
  )) as number;
  await page.evaluate("window.frames_ = 0; (function next() { window.frames_++; requestAnimationFrame(next); })()");
  const [busyBefore, framesBefore] = [await metric("ThreadTime"), (await page.evaluate("frames_")) as number];
  const from = performance.now();
  while (performance.now() - from < CHANGES_MS) {
    const next = performance.now() + 100;
    await change();
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, next - performance.now())));
  }
  const seconds = (performance.now() - from) / 1000;
  const busyShare = ((await metric("ThreadTime")) - busyBefore) / seconds;
  const frames = (((await page.evaluate("frames_")) as number) - framesBefore) / seconds;
  await tools.send("HeapProfiler.collectGarbage");
  const heapMb = (await metric("JSHeapUsedSize")) / 1e6;
  await context.close();
  return { paintMs, rowsMs, heapMb, busyShare, frames };
}
