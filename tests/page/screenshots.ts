/**
 * `npm run screenshots` makes the pictures of the page in docs/images/ anew, from a voyage that is always the same
 * (tests/page/played-voyage.ts). It needs Chromium: `npm run setup -- chromium`.
 */
import { mkdir, rename, stat } from "node:fs/promises";
import { join } from "node:path";
import { openPage } from "../support/page.ts";
import { openBrowser, openTab } from "./browser.ts";
import { NOW, playedVoyage } from "./played-voyage.ts";

const FOLDER = join(import.meta.dirname, "..", "..", "docs", "images");
/** Whoever clones the repository takes the pictures along. */
const MOST_BYTES = 150_000;
const PICTURES = [
  { name: "page", width: 1560, height: 770, colorScheme: "light", at: null },
  { name: "page-tasks", width: 1240, height: 900, colorScheme: "dark", at: "graph" },
  { name: "page-phone", width: 400, height: 860, colorScheme: "dark", at: null },
] as const;

const at = await openPage(playedVoyage);
const browser = await openBrowser();
try {
  await mkdir(FOLDER, { recursive: true });
  for (const { name, width, height, colorScheme, at: place } of PICTURES) {
    const context = await browser.newContext({
      viewport: { width, height },
      colorScheme,
      reducedMotion: "reduce",
      timezoneId: "UTC",
      deviceScaleFactor: 1,
    });
    await context.clock.setFixedTime(NOW);
    const page = await openTab(context, (await at.server.open({})).url);
    // What is far below is read only when it comes near.
    for (const [section, row] of [
      ["logs", ".log-line"],
      ["events", ".event"],
    ] as const) {
      await page.locator(`#${section}`).scrollIntoViewIfNeeded();
      await page.locator(row).first().waitFor();
    }
    await page.evaluate(place ? `document.getElementById("${place}").scrollIntoView()` : "scrollTo(0, 0)");
    const file = join(FOLDER, `${name}.png`);
    await page.screenshot({ path: `${file}.new` as `${string}.png`, type: "png" });
    const { size } = await stat(`${file}.new`);
    if (size > MOST_BYTES) throw new Error(`${name}.png has ${size} bytes, and may have ${MOST_BYTES}`);
    await rename(`${file}.new`, file);
    console.log(`docs/images/${name}.png  ${Math.round(size / 1000)} kB`);
    await context.close();
  }
} finally {
  await browser.close();
  await at.remove();
}
process.exit();
