import axe from "axe-core";
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from "playwright-core";

/** The system's Chromium, which set-up brings (tools/setup/system.mjs). */
const CHROMIUM = "/usr/bin/chromium";

/** Starts the browser. As root it has no sandbox of its own, which Chromium refuses to make for root. */
export const openBrowser = (): Promise<Browser> =>
  chromium.launch({ executablePath: CHROMIUM, chromiumSandbox: process.getuid?.() !== 0 });

/** What a page has said on its console that it should not: errors, and what its security policy has refused. */
export type Complaints = string[];

/** Opens a browser of its own, as a captain has one: with its own cookies and what it keeps. */
export async function openCaptainBrowser(browser: Browser, options: BrowserContextOptions = {}) {
  const context = await browser.newContext({ viewport: { width: 1200, height: 900 }, ...options });
  context.setDefaultTimeout(40_000);
  const complaints: Complaints = [];
  const listen = (page: Page) => {
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("console", (message) => {
      // What the network did not bring is said on the console too, and is no fault of the page.
      if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) complaints.push(message.text());
    });
  };
  context.on("page", listen);
  return { context, complaints };
}

/** Opens a tab at an address, and waits until the page shows a voyage. */
export async function openTab(context: BrowserContext, url: string): Promise<Page> {
  const page = await context.newPage();
  await page.goto(url);
  await page.locator("#needs-you").waitFor();
  return page;
}

type Found = { id: string; impact: string; nodes: { html: string; failureSummary: string }[] };

/** What axe finds against WCAG 2.2 AA and its own good practice, as lines to be read in a failure. */
export async function axeFindings(page: Page): Promise<string[]> {
  // The page's policy refuses a script that is added to it, and lets the browser's own tools through.
  await page.evaluate(axe.source);
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
  const { violations } = (await page.evaluate(
    `axe.run(document, { runOnly: { type: "tag", values: ${JSON.stringify(tags)} } })`,
  )) as { violations: Found[] };
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html}\n${failureSummary}`));
}
