import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { type Complaints, openBrowser, openCaptainBrowser, openTab } from "./browser.ts";
import { ID, openSea, type Sea } from "./sea.ts";

/** What needs the captain, and the answers to it, all at one helm; each test has tasks and ships of its own. */
let browser: Browser;
let sea: Sea;
let complaints: Complaints;
let page: Page;
let close: () => Promise<void>;
beforeAll(async () => {
  browser = await openBrowser();
});
afterAll(() => browser?.close());
beforeEach(async () => {
  sea = await openSea({ "1": [], "2": [], "3": ["1"] }, { budgetUsd: 10 });
  const opened = await openCaptainBrowser(browser);
  complaints = opened.complaints;
  close = () => opened.context.close();
  page = await openTab(opened.context, await sea.url());
});
afterEach(async () => {
  await close?.();
  await sea?.close();
});
const row = async (id: string) => (await sea.helm().voyage(ID)).tasks.find((task) => task.id === id)!;
const QUESTION = "Which colour?\n- Red\n- Green";

test("a question shows its choices as buttons and counts in the title; a choice answers it", async () => {
  expect(await page.title()).toBe("sea");
  const ship = await sea.come("ship-0");
  await ship.ask(await ship.grant(), QUESTION);
  await expect.poll(() => page.title()).toBe("(1) sea");
  const need = page.getByRole("list", { name: "What needs you" }).getByRole("listitem");
  await need.getByRole("button", { name: "Green" }).click();
  await page.getByText("Nothing. Questions of agents").waitFor();
  expect(await row("1")).toMatchObject({ status: "pending" });
  expect((await row("1")).question).toBeUndefined();
  await expect.poll(() => page.title()).toBe("sea");
  const again = await (await sea.come("ship-1")).grant();
  expect(again).toMatchObject({ task: { id: "1" }, answers: [{ question: QUESTION, answer: "Green" }] });
  expect(complaints).toEqual([]);
});

test("an answer in one's own words that the helm does not take is kept, over a reload, and is delivered when it is back", async () => {
  const ship = await sea.come("ship-0");
  await ship.ask(await ship.grant(), QUESTION);
  const field = page.getByLabel("Or in your own words");
  await field.fill("Teal, as in\nthe logo");
  await sea.kill();
  await page.getByText("The helm does not answer since").waitFor();
  await expect.poll(() => page.getByRole("button", { name: "Answer", exact: true }).isDisabled()).toBe(true);
  expect(await field.inputValue()).toBe("Teal, as in\nthe logo");
  await sea.restart();
  await page.getByRole("status").filter({ hasText: "live" }).waitFor();
  await page.reload();
  await field.waitFor();
  expect(await field.inputValue(), "kept by the browser").toBe("Teal, as in\nthe logo");
  await page.keyboard.press("n");
  await page.keyboard.press("j");
  await page.keyboard.press("a");
  await page.keyboard.press("Control+Enter");
  await page.getByText("Nothing. Questions of agents").waitFor();
  const again = await (await sea.come("ship-1")).grant();
  expect(again.answers).toMatchObject([{ answer: "Teal, as in\nthe logo" }]);
});

test("a reply whose question was answered elsewhere before is not thrown away without a word", async () => {
  const ship = await sea.come("ship-0");
  await ship.ask(await ship.grant(), QUESTION);
  const field = page.getByLabel("Or in your own words");
  await field.fill("Mauve");
  await sea.helm().answerTask(ID, "1", "Red");
  await page.getByText("was not delivered, and the task asks nothing now").waitFor();
  await page.getByText("Mauve").waitFor();
  await page.getByRole("button", { name: "Throw it away" }).click();
  await expect.poll(() => page.getByText("Mauve").count()).toBe(0);
});

test("a blocked task is tried again by its button, and a key opens its log", async () => {
  const ship = await sea.come("ship-0");
  for (let i = 0; i < 3; i++) await ship.release(await ship.grant(), true, "2 tests of the lexer fail");
  await page.getByText("is blocked after 3 tries: 2 tests of the lexer fail").waitFor();
  await page.keyboard.press("j");
  await page.keyboard.press("o");
  await expect.poll(() => page.getByPlaceholder("task", { exact: true }).inputValue()).toBe("1");
  await page.getByRole("button", { name: "Try again" }).first().click();
  await page.getByText("Nothing. Questions of agents").waitFor();
  expect(await row("1")).toMatchObject({ status: "pending", tries: 0 });
});

test("a release says what it will do, does nothing when it is left, and takes the task when it is confirmed", async () => {
  const ship = await sea.come("ship-0");
  await ship.grant();
  const release = page.getByRole("button", { name: "Release task 1 from ship-0" });
  await release.click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText(/^ship-0 is fenced, and works again only after: pulumi -C \S+ up -s sea$/).waitFor();
  await dialog.getByRole("button", { name: "Leave it" }).click();
  await expect.poll(() => dialog.count()).toBe(0);
  expect(await row("1")).toMatchObject({ status: "claimed" });
  await release.click();
  await dialog.getByRole("button", { name: "Release task 1" }).click();
  await expect.poll(async () => (await row("1")).status).toBe("pending");
  await page.locator("#ship-ship-0").getByText("fenced").waitFor();
});

test("a spent budget is raised in place, and tasks are given out again", async () => {
  const ship = await sea.come("ship-0");
  await ship.spend(await ship.grant(), 10.5);
  await page.getByText("the voyage's budget of $10.00 is spent ($10.50)").waitFor();
  const need = page.getByRole("list", { name: "What needs you" });
  await need.getByLabel("Budget in US dollars").fill("25");
  await need.getByRole("button", { name: "Set the budget" }).click();
  await page.getByText("Nothing. Questions of agents").waitFor();
  expect((await sea.helm().voyage(ID)).spend).toMatchObject({ budgetUsd: 25 });
  await page.getByText("of $25.00, 42 %").waitFor();
});

test("pause and resume, by key and by button", async () => {
  await page.keyboard.press("p");
  await page.getByRole("button", { name: "Resume" }).click();
  await page.getByRole("button", { name: "Pause" }).waitFor();
  expect((await sea.helm().voyage(ID)).paused).toBeUndefined();
});
