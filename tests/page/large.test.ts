import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Grant } from "../../lib/protocol/ship-claims.ts";
import { axeFindings, openBrowser, openCaptainBrowser, openTab } from "./browser.ts";
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
  sea = await openSea(graph);
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

test("all ships and tasks are there, are searched, folded and zoomed, and axe finds nothing", async () => {
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
  const [wide, room] = (await page.evaluate(
    "[document.querySelector('.graph-frame').scrollWidth, document.querySelector('.graph-frame').clientWidth]",
  )) as [number, number];
  expect(wide, "the whole graph is seen").toBeLessThanOrEqual(room);
  expect(await axeFindings(page)).toEqual([]);
});

test("many changes a second redraw the rows that changed and no others, move nothing, and leave the page time", async () => {
  // Each row, marked, and the sizes of what is shown; and how often the page was kept from drawing for long.
  await page.evaluate(`
    window.marked = [...document.querySelectorAll(".ships tbody tr, .node")];
    window.sizes = () => JSON.stringify([...document.querySelectorAll(".panel, .ships tbody tr")].map((one) => one.offsetHeight));
    window.before = window.sizes();
    window.redrawn = new Set();
    new MutationObserver((all) => {
      for (const { target } of all) {
        const row = (target.nodeType === 1 ? target : target.parentElement)?.closest(".ships tbody tr, .node");
        if (row && !target.parentElement?.closest("time, .age") && !(target.closest?.("time, .age"))) redrawn.add(row.id);
      }
    }).observe(document.querySelector("main"), { subtree: true, childList: true, characterData: true });
    window.shifts = 0;
    new PerformanceObserver((list) => { for (const { value } of list.getEntries()) window.shifts += value; }).observe({ type: "layout-shift" });
  `);
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
  expect(await page.evaluate("sizes() === before"), "no row and no section has another height").toBe(true);
  expect(await page.evaluate("shifts")).toBe(0);
  const redrawn = (await page.evaluate("[...redrawn].filter((id) => id.startsWith('ship-'))")) as string[];
  const known = redrawn.filter((id) => !changed.some((_one, index) => id === `ship-ship-${index}`));
  expect(known.length, `redrawn without need: ${known.join(" ")}`).toBeLessThan(SHIPS / 2);
});
