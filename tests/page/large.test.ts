import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Grant } from "../../lib/protocol/ship-claims.ts";
import { openBrowser, openCaptainBrowser, openTab } from "./browser.ts";
import { openSea, type Sea } from "./sea.ts";

const SHIPS = 100;
const TASKS = 1_000;
const CHANGES = 50;

/** A fleet of 100 ships with 1,000 tasks, of which each waits for some of those a hundred before it. */
let browser: Browser;
let sea: Sea;
let page: Page;
const fleet: { ship: Awaited<ReturnType<Sea["come"]>>; grant: Grant }[] = [];
beforeAll(async () => {
  browser = await openBrowser();
  const graph = Object.fromEntries(
    Array.from({ length: TASKS }, (_, index) => {
      const blockers = index < SHIPS ? [] : [index - SHIPS, index - SHIPS + ((index * 7) % 40)];
      return [String(index + 1), [...new Set(blockers.map((one) => String(one + 1)))]];
    }),
  );
  // The ships that are played here say nothing by themselves, and are not to be lost for it.
  sea = await openSea(graph, { timing: { leaseSeconds: 6000, heartbeatSeconds: 600, fenceSeconds: 4500, lingerSeconds: 5 } });
  for (let i = 0; i < SHIPS; i++) {
    const ship = await sea.come(`ship-${i}`);
    fleet.push({ ship, grant: await ship.grant() });
  }
  const { context } = await openCaptainBrowser(browser);
  page = await openTab(context, await sea.url());
});
afterAll(async () => {
  await browser?.close();
  await sea?.close();
});

test("all ships and tasks are there, are searched, narrowed to a chain, and seen whole", async () => {
  expect(await page.locator(".ships tbody tr").count()).toBe(SHIPS);
  expect(await page.locator(".node").count()).toBe(TASKS);
  await page.keyboard.press("/");
  await page.keyboard.type("ship-42");
  await page.getByText("1 task", { exact: true }).waitFor();
  await page.keyboard.press("Enter");
  await page
    .getByRole("region", { name: /^Task \d+$/ })
    .getByText("ship-42")
    .waitFor();
  await page.getByRole("button", { name: "Show only its chain" }).click();
  await expect.poll(() => page.locator(".node").count()).toBeLessThan(TASKS / 2);
  expect(await page.locator(".node").count()).toBeGreaterThan(5);
  await page.getByRole("button", { name: "Show all tasks again" }).click();
  await expect.poll(() => page.locator(".node").count()).toBe(TASKS);
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Fit" }).click();
  const frame = page.locator(".graph-frame");
  const beyond = () => frame.evaluate((box) => [box.scrollWidth - box.clientWidth, box.scrollHeight - box.clientHeight]);
  await expect.poll(beyond, { message: "the whole graph is seen" }).toEqual([0, 0]);
});

test("many changes a second redraw the rows that changed and no others, move nothing, and leave the page time", async () => {
  // Each row, marked, and the sizes of what is shown; and how often the page was kept from drawing for long.
  await page.evaluate(`
    window.marked = [...document.querySelectorAll(".ships tbody tr, .node")];
    window.sizes = () => Object.fromEntries([...document.querySelectorAll(".panel, .ships tbody tr")].map((one) => [one.id, one.offsetHeight]));
    window.redrawn = new Set();
    new MutationObserver((all) => {
      for (const { target } of all) {
        const row = (target.nodeType === 1 ? target : target.parentElement)?.closest(".ships tbody tr, .node");
        if (row && !target.parentElement?.closest("time, .known") && !(target.closest?.("time, .known"))) redrawn.add(row.id);
      }
    }).observe(document.querySelector("main"), { subtree: true, childList: true, characterData: true });
    window.shifts = 0;
    new PerformanceObserver((list) => { for (const { value } of list.getEntries()) window.shifts += value; }).observe({ type: "layout-shift" });
  `);
  const before = await page.evaluate("sizes()");
  const changed = fleet.slice(0, 10);
  for (let i = 0; i < CHANGES; i++) {
    const { ship, grant } = changed[i % changed.length]!;
    await ship.note(grant, `step ${i}`);
  }
  await page
    .locator("#ship-ship-9")
    .getByText(`step ${CHANGES - 1}`)
    .waitFor();
  expect(await page.evaluate("marked.every((one) => one.isConnected)"), "no row was made anew").toBe(true);
  expect(await page.evaluate("sizes()"), "no row and no section has another height").toEqual(before);
  expect(await page.evaluate("shifts"), "what moved, by the browser's own measure, of which 1 is the whole page").toBeLessThan(
    0.005,
  );
  const redrawn = (await page.evaluate("[...redrawn].filter((id) => id.startsWith('ship-'))")) as string[];
  const known = redrawn.filter((id) => !changed.some((_one, index) => id === `ship-ship-${index}`));
  expect(known.length, `redrawn without need: ${known.join(" ")}`).toBeLessThan(SHIPS / 2);
});
