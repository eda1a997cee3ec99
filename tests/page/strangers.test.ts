import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeLanding } from "../../lib/voyage/landing-file.ts";
import { landingFile } from "../support/landing.ts";
import { openBrowser, openCaptainBrowser, openTab } from "./browser.ts";
import { ID, openSea, type Sea } from "./sea.ts";

/** Text that wants to be a script, and pages of strangers in the captain's browser. */
let browser: Browser;
let sea: Sea;
beforeAll(async () => {
  browser = await openBrowser();
});
afterAll(async () => {
  await browser?.close();
  await sea?.close();
});

const evil = (where: string) =>
  `${where}<img src=x onerror="top.harmed='${where}'"><script>top.harmed='${where}'</script>"'\`\${1}`;

test("markup in every text that ships, plans and agents control is shown as text, and nothing of it runs", async () => {
  sea = await openSea(
    { "1": [], "2": ["1"], "3": [], "4": [] },
    {
      name: evil("name"),
      subjects: { "1": evil("subject-1"), "2": evil("subject-2"), "3": evil("subject-3"), "4": evil("subject-4") },
    },
  );
  const { context, complaints } = await openCaptainBrowser(browser);
  const page = await openTab(context, await sea.url());
  const ship = await sea.come("ship-0");
  const grant = await ship.grant();
  await ship.ask(grant, `${evil("question")}\n- ${evil("choice").slice(0, 100)}\n- other`);
  const busy = await sea.come("ship-1");
  const held = await busy.grant();
  await busy.note(held, evil("note"));
  busy.log([evil("line")]);
  busy.log(
    [JSON.stringify({ at: new Date().toISOString(), event: "claimed", text: evil("journal"), task: "1", epoch: 1 })],
    "supervisor.jsonl",
  );
  const failing = await sea.come("ship-2");
  for (let i = 0; i < 3; i++) await failing.release(await failing.grant(), true, evil("reason"));
  await (await sea.come("ship-3")).raw("trial", { fit: false, message: evil("trial") });
  for (const where of ["question", "choice", "reason", "trial"])
    await page.locator("#needs-you").getByText(`${where}<img src=x`).first().waitFor();
  await page.locator("#ships").getByText("note<img").first().waitFor();
  await page.locator("h1").getByText("name<img").waitFor();
  // A forge names a check, and its address; only an address of the forge's own is a link.
  const check = {
    name: evil("check"),
    state: "failure" as const,
    url: "javascript:top.harmed='url'",
    summary: evil("summary"),
    id: "1",
  };
  await writeLanding(sea.folder, landingFile({ facts: { checks: [check], mergeable: null } }));
  await page.locator("#landed").getByText("check<img").waitFor();
  await page.locator("#needs-you").getByText("1 check of pull request 7 failed: check<img").waitFor();
  const links = await page.locator("#landed a").evaluateAll((all: { href?: string }[]) => all.map(({ href }) => href));
  expect(links).toEqual(["https://git.example.com/ann/sea/pulls/7"]);
  await page.keyboard.press("l");
  for (const where of ["line<img", "journal<img"]) await page.locator("#logs").getByText(where).first().waitFor();
  await page.keyboard.press("e");
  await page.locator("#events").getByText("reason<img").first().waitFor();
  await page.locator("#task-1").click();
  await page.getByRole("region", { name: "Task 1" }).getByText("question<img").first().waitFor();
  await page.getByRole("button", { name: "As a list" }).click();
  await page.locator("#graph").getByText("subject-2<img").first().waitFor();
  expect(await page.evaluate("top.harmed")).toBeUndefined();
  expect(await page.locator("img, #page script, iframe, object").count()).toBe(0);
  expect(complaints, "the policy had nothing to refuse").toEqual([]);
  await context.close();
});

test("a stranger's page in the same browser can neither order, nor read, nor frame, nor borrow the page", async () => {
  sea ??= await openSea({ "1": [] });
  const { context } = await openCaptainBrowser(browser);
  const page = await openTab(context, await sea.url());
  const target = new URL(page.url()).origin;
  const stranger = createServer((_request, response) => {
    response.writeHead(200, { "content-type": "text/html" });
    response.end(`<iframe src="${target}/"></iframe><form method="post" action="${target}/api/voyages/${ID}/actions"></form>`);
  });
  await new Promise<void>((resolve) => stranger.listen(0, "127.0.0.1", resolve));
  const foreign = await context.newPage();
  const order = JSON.stringify({ action: "pause" });
  const address = `${target}/api/voyages/${ID}/actions`;
  try {
    await foreign.goto(`http://localhost:${(stranger.address() as AddressInfo).port}/`);
    const attempts = [
      `fetch(${JSON.stringify(address)}, { method: "POST", credentials: "include", headers: { "content-type": "application/json" }, body: ${JSON.stringify(order)} })`,
      `fetch(${JSON.stringify(address)}, { method: "POST", mode: "no-cors", credentials: "include", headers: { "content-type": "text/plain" }, body: ${JSON.stringify(order)} })`,
      `fetch(${JSON.stringify(`${target}/api/session`)}, { credentials: "include" })`,
    ];
    const outcomes = [];
    for (const attempt of attempts)
      outcomes.push(await foreign.evaluate(`${attempt}.then((reply) => reply.status, () => "refused")`));
    expect(outcomes).toEqual(["refused", "refused", "refused"]);
    await foreign.evaluate("document.forms[0].submit()");
    await foreign.waitForLoadState();
    expect(foreign.frames().some((frame) => frame !== foreign.mainFrame() && frame.url().startsWith(target))).toBe(false);
    expect((await sea.helm().voyage(ID)).paused, "nothing was ordered").toBeUndefined();
  } finally {
    stranger.close();
    await context.close();
  }
});
