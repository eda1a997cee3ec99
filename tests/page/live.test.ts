import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { openBrowser, openCaptainBrowser, openTab } from "./browser.ts";
import { ID, openSea, type Sea } from "./sea.ts";

/** What the page shows goes on by itself: ships, tasks, logs, events, a helm that goes and comes, other tabs. */
let browser: Browser;
let sea: Sea | undefined;
const ends: (() => Promise<unknown>)[] = [];
beforeAll(async () => {
  browser = await openBrowser();
});
afterAll(() => browser?.close());
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
  await sea?.close();
  sea = undefined;
});
async function open(graph: Record<string, string[]>, more: Parameters<typeof openSea>[1] = {}) {
  sea = await openSea(graph, more);
  const { context, complaints } = await openCaptainBrowser(browser);
  ends.push(() => context.close());
  return { sea, context, complaints, page: await openTab(context, await sea.url()) };
}

test("a ship comes, works, delivers, and its lines and events appear", async () => {
  const { sea, page, complaints } = await open({ "1": [], "2": ["1"] });
  await page.getByText("No ship is there yet").waitFor();
  const ship = await sea.come("ship-0");
  const grant = await ship.grant();
  await ship.note(grant, "reading the spec");
  const row = page.locator("#ship-ship-0");
  await row.getByText("working").waitFor();
  await row.getByText("reading the spec").waitFor();
  ship.log(["the lexer knows strings now", "a line about nothing"]);
  await page.keyboard.press("l");
  await page.getByText("the lexer knows strings now").waitFor();
  await page.keyboard.press("f");
  await page.keyboard.type("LEXER");
  await expect.poll(() => page.getByText("a line about nothing").count()).toBe(0);
  await page.getByText("the lexer knows strings now").waitFor();
  const tree = ship.tree();
  tree.reset(grant.tip);
  const commit = tree.commit({ a: "1" }, "T1");
  tree.push(commit, grant);
  await ship.accepted(grant, commit);
  await page.locator("#task-1").getByText("accepted").waitFor();
  await page.keyboard.press("Escape");
  await page.keyboard.press("e");
  await page.getByText(`task 1 of ship-0 was accepted as ${(await sea.helm().voyage(ID)).tip.slice(0, 8)}`).waitFor();
  expect(complaints).toEqual([]);
});

test("while the helm is away the page says since when and greys what it shows; it goes on by itself when the helm is back", async () => {
  const { sea, page } = await open({ "1": [] });
  const before = await page.locator("main").evaluate((main) => main.className);
  expect(before).toBe("");
  await sea.kill();
  await page.getByText(/The helm does not answer since \d\d:\d\d:\d\d, \d+s ago/).waitFor();
  expect(await page.locator("main").evaluate((main) => main.className)).toBe("stale");
  expect(await page.getByRole("button", { name: "Pause" }).isDisabled()).toBe(true);
  await sea.restart();
  await page.getByRole("status").filter({ hasText: "live" }).waitFor();
  await sea.come("ship-7");
  await page.locator("#ship-ship-7").waitFor();
  expect(await page.getByText("The helm does not answer").count()).toBe(0);
});

test("a second tab, and eight more, show the same by one stream, and all of them load", async () => {
  const { sea, page, context } = await open({ "1": [] });
  const streams: string[] = [];
  context.on("request", (request) => {
    if (request.url().includes("/api/stream") && !request.serviceWorker()) streams.push(request.url());
  });
  const address = new URL(page.url()).origin;
  const tabs = [];
  for (let i = 0; i < 9; i++) tabs.push(await openTab(context, `${address}/`));
  await sea.come("ship-3");
  for (const tab of [page, ...tabs]) await tab.locator("#ship-ship-3").waitFor();
  expect(streams, "no tab has a stream of its own").toEqual([]);
});

test("what is typed in one tab is there in another", async () => {
  const { sea, page, context } = await open({ "1": [] });
  const other = await openTab(context, `${new URL(page.url()).origin}/`);
  const ship = await sea.come("ship-0");
  await ship.ask(await ship.grant(), "Why?");
  await page.getByLabel("Your answer").fill("Because");
  await expect.poll(() => other.getByLabel("Your answer").inputValue()).toBe("Because");
});
