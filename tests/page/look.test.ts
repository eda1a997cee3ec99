import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { collectReport } from "../../cli/report/facts/collect.ts";
import { page as reportPage } from "../../cli/report/page/page.ts";
import { findVoyage } from "../../cli/target/choose-voyage.ts";
import { axeFindings, openBrowser, openCaptainBrowser, openTab } from "./browser.ts";
import { openSea, type Sea } from "./sea.ts";

/** How the page and the report look and are worked: in light and dark, on a telephone and a wall, by keys alone. */
let browser: Browser;
let sea: Sea;
beforeAll(async () => {
  browser = await openBrowser();
  sea = await openSea({ "1": [], "2": ["1"], "3": ["1"], "4": ["2", "3"], "5": [] }, { budgetUsd: 10 });
  const ship = await sea.come("ship-0");
  await ship.ask(await ship.grant(), "Which?\n- One\n- Two");
  const busy = await sea.come("ship-1");
  const grant = await busy.grant();
  await busy.spend(grant, 2.5);
  busy.log(["a line"]);
});
afterAll(async () => {
  await browser?.close();
  await sea?.close();
});

describe.each(["light", "dark"] as const)("in %s", (colorScheme) => {
  test.each([400, 1200, 2000])("%d pixels wide, axe finds nothing, and nothing is wider than the page", async (width) => {
    const { context, complaints } = await openCaptainBrowser(browser, { colorScheme, viewport: { width, height: 900 } });
    const page = await openTab(context, await sea.url());
    await page.locator("#task-2").click();
    await page.getByRole("region", { name: "Task 2" }).waitFor();
    // What is far below is read only when it comes near.
    await page.keyboard.press("e");
    await page.locator("#events .event").first().waitFor();
    // Further down the bar at the top covers whatever has just been scrolled below it, which is no finding.
    await page.evaluate("scrollTo({ top: 0, behavior: 'instant' })");
    expect(await axeFindings(page)).toEqual([]);
    expect(await page.evaluate("document.documentElement.scrollWidth - innerWidth")).toBe(0);
    if (width === 1200)
      for (const key of ["?", "v"]) {
        await page.keyboard.press(key);
        await page.getByRole("dialog").waitFor();
        expect(await axeFindings(page), `the dialog of ${key}`).toEqual([]);
        await page.keyboard.press("Escape");
        await expect.poll(() => page.getByRole("dialog").count()).toBe(0);
      }
    expect(complaints).toEqual([]);
    await context.close();
  });
});

test("the report in light on a telephone, and in dark on a wall: axe finds nothing, and nothing is wider than the page", async () => {
  const file = join(sea.captain.root, "report.html");
  writeFileSync(file, reportPage(await collectReport(await findVoyage("sea"))));
  for (const [colorScheme, width] of [
    ["light", 400],
    ["dark", 2000],
  ] as const) {
    const { context, complaints } = await openCaptainBrowser(browser, { colorScheme, viewport: { width, height: 900 } });
    const page = await context.newPage();
    await page.goto(`file://${file}`);
    await page.getByText("0 of 5 tasks were delivered").first().waitFor();
    for (const folded of await page.locator("summary").all()) await folded.click();
    expect(await axeFindings(page)).toEqual([]);
    expect(await page.evaluate("document.documentElement.scrollWidth - innerWidth")).toBe(0);
    expect(complaints).toEqual([]);
    await context.close();
  }
});

test("every order and every place is reached by keys, which ? shows; they can be put off", async () => {
  const { context } = await openCaptainBrowser(browser);
  const page = await openTab(context, await sea.url());
  const focus = () => page.evaluate("document.activeElement.id || document.activeElement.className") as Promise<string>;
  for (const [key, id] of [
    ["s", "ships-title"],
    ["g", "graph-title"],
    ["b", "spend-title"],
    ["l", "logs-title"],
    ["e", "events-title"],
    ["n", "needs-you-title"],
    ["/", "task-search"],
  ] as const) {
    await page.keyboard.press(key);
    expect(await focus()).toBe(id);
  }
  await page.keyboard.type("5");
  await page.keyboard.press("Enter");
  await page.getByRole("region", { name: "Task 5" }).waitFor();
  await page.keyboard.press("Escape");
  await page.keyboard.press("x");
  await page.getByRole("dialog", { name: "Release task 5?" }).waitFor();
  await page.keyboard.press("Escape");
  // In the graph, arrow keys go along the edges.
  await page.locator("#task-2").focus();
  await page.keyboard.press("ArrowRight");
  expect(await focus()).toBe("task-4");
  await page.keyboard.press("ArrowLeft");
  expect(await focus()).toMatch(/^task-[23]$/);
  await page.keyboard.press("j");
  await page.keyboard.press("?");
  const help = page.getByRole("dialog", { name: "Keys" });
  await help.getByRole("checkbox").uncheck();
  await page.keyboard.press("Escape");
  await page.keyboard.press("v");
  expect(await page.getByRole("dialog").count()).toBe(0);
  await context.close();
});

test("whoever wants less motion gets none", async () => {
  const { context } = await openCaptainBrowser(browser, { reducedMotion: "reduce" });
  const page = await openTab(context, await sea.url());
  const moving = await page.evaluate(
    `[...document.querySelectorAll("*")].filter((one) => { const style = getComputedStyle(one); return style.transitionDuration.split(", ").some((time) => time !== "0s") || style.animationName !== "none"; }).length`,
  );
  expect(moving).toBe(0);
  await context.close();
});

test("the colours that were chosen are kept", async () => {
  const { context } = await openCaptainBrowser(browser);
  const page = await openTab(context, await sea.url());
  const ground = () => page.evaluate("getComputedStyle(document.body).backgroundColor");
  const light = await ground();
  await page.keyboard.press("t");
  await page.keyboard.press("t");
  const dark = await ground();
  expect(dark).not.toBe(light);
  await page.reload();
  await page.locator("#needs-you").waitFor();
  expect(await ground()).toBe(dark);
  await context.close();
});
