import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ensureHelm } from "../../lib/daemons/helm.ts";
import { helmClient } from "../../lib/daemons/helm-client.ts";
import { ship } from "../support/helm-voyage.ts";
import type { Props } from "../support/voyage/resource.ts";
import { gated, type OpenVoyage, openVoyage } from "../support/voyage/voyage.ts";
import { openBrowser, openCaptainBrowser, openTab } from "./browser.ts";

/** A real voyage: confined ships of the harbor, real crews, a real helm, the real page. The tests follow each other. */
const SHIPS = ["ship-0", "ship-1"];
let quay: OpenVoyage;
let browser: Browser;
let page: Page;
const sprites = new Map<string, Props>();
beforeAll(async () => {
  quay = await openVoyage(gated("1", "2", "3"));
  browser = await openBrowser();
  await quay.workspace.create();
  await quay.helm.create();
  for (const name of SHIPS) {
    const sprite = await quay.sprite(name).create();
    sprites.set(name, sprite);
    await quay.launch(name, String(sprite.incarnation)).create();
  }
  const { context } = await openCaptainBrowser(browser);
  page = await openTab(context, (await helmClient().openPage({})).url);
});
afterAll(async () => {
  await browser?.close();
  await quay?.close();
});
const task = async (id: string) => (await helmClient().voyage(quay.voyageId)).tasks.find((one) => one.id === id)!;

test("real ships are shown at work, with what they work on", async () => {
  for (const name of SHIPS) await page.locator(`#ship-${name}`).getByText("working").waitFor();
  const tasks = page.locator(".node").filter({ hasText: "at work" });
  await expect.poll(() => tasks.count()).toBe(2);
});

test("a question that comes from a ship is answered on the page, and its ship goes on with the answer", async () => {
  const held = await task("1");
  const name = held.ship!;
  const { stdout: token } = await quay.onShip(name, 'cat "$HOME/voyage/crew/token"');
  const url = `http://127.0.0.1:${process.env.OCAPTAIN_HELM_PORT}`;
  const call = ship(url, token.trim(), String(sprites.get(name)!.incarnation));
  const { status } = await call.raw("ask", { task: "1", epoch: held.epoch, question: "How loud?\n- Quiet\n- Loud" });
  expect(status).toBe(200);
  await expect.poll(() => page.title()).toBe(`(1) ${quay.stack}`);
  await page.getByRole("button", { name: "Quiet" }).click();
  await expect.poll(async () => (await task("1")).question).toBeUndefined();
  await expect.poll(() => page.title()).toBe(quay.stack);
});

test("the helm is killed and started: the page says so, and goes on with the same ships", async () => {
  await quay.killHelm();
  await page.getByText("The helm does not answer since").waitFor();
  await ensureHelm();
  await page.getByRole("status").filter({ hasText: "live" }).waitFor();
  for (const name of SHIPS) await page.locator(`#ship-${name}`).getByText("working").waitFor();
});

test("a ship that dies is shown as gone, and the task that it held goes on elsewhere", async () => {
  const { ship: dead } = await task("2");
  await quay.sprites.remove(quay.spriteName(dead!));
  const row = page.locator(`#ship-${dead}`);
  await row.getByText(/^(lost|no signal|fenced)$/).waitFor({ timeout: 60_000 });
  await page
    .locator("#needs-you")
    .getByText(new RegExp(`${dead} is (lost|fenced|not heard)`))
    .first()
    .waitFor({ timeout: 60_000 });
  await row.getByText(/^fenced$/).waitFor({ timeout: 60_000 });
  expect(await page.title()).toMatch(/^\(\d\) /);
});

test("the work is done by the ship that is left, and the page shows all of it accepted", async () => {
  for (const [name] of sprites) await quay.onShip(name, 'touch "$HOME/go"').catch(() => {}); // One of them is gone.
  await page.getByText("3 of 3 tasks accepted").waitFor({ timeout: 60_000 });
  await page.getByText("All tasks are done.").waitFor();
});
