import { readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Admission } from "../../helm/page/admission.ts";
import { ACTION_HEADER } from "../../lib/watch/page-api.ts";
import { Browser, openPage, send } from "../support/page.ts";

let page: Awaited<ReturnType<typeof openPage>>;
let browser: Browser;
let orders: unknown[];
let now = Date.now();
beforeEach(async () => {
  orders = [];
  page = await openPage(
    {
      order: async (_id, action) => {
        orders.push(action);
        return { message: "done" };
      },
    },
    () => now,
  );
  browser = page.browser();
});
afterEach(() => page.remove());

const resume = { action: "resume" };
const DAY_MS = 24 * 60 * 60_000;

test("the first address lets in one browser, once; only digests of what it gets are kept, in a file of mode 0600", async () => {
  const entered = await browser.enter(page.url);
  expect(entered.status).toBe(303);
  expect(entered.headers.location).toBe("/");
  expect(entered.headers["set-cookie"]![0]).toMatch(/; Path=\/; HttpOnly; SameSite=Strict; Max-Age=\d+$/);
  expect((await browser.get("/api/voyages")).status).toBe(200);
  expect((await page.browser().enter(page.url)).status).toBe(403);
  expect(statSync(page.file).mode & 0o777).toBe(0o600);
  const kept = readFileSync(page.file, "utf8");
  for (const secret of [browser.cookie.split("=")[1]!, browser.token, new URL(page.url).searchParams.get("token")!]) {
    expect(secret.length).toBeGreaterThan(30);
    expect(kept).not.toContain(secret);
  }
});

test("a first address is good for ten minutes, and a look that is no visit does not use it up", async () => {
  const { pathname, search } = new URL(page.url);
  expect((await send(page.port, pathname + search, { method: "HEAD" })).status).toBe(403);
  now += 11 * 60_000;
  expect((await browser.enter(page.url)).status).toBe(403);
  const { url } = await page.server.open({});
  now += 9 * 60_000;
  expect((await browser.enter(url)).status).toBe(303);
});

test("what is kept last is what counts: a browser that is seen while all are forgotten is not brought back", async () => {
  const kept = async (file: string) => (await new Admission(file).load()).sessions;
  for (let round = 0; round < 20; round++) {
    const file = join(dirname(page.file), `${round}.json`);
    const admission = new Admission(file, () => now);
    const cookie = (await admission.enter(admission.invite()))!;
    now += DAY_MS;
    expect(admission.knows(cookie)).toBe(true);
    await admission.forget();
    await admission.saved();
    expect(await kept(file)).toEqual([]);
  }
});

test("a browser that is not seen for thirty days has to be let in anew; one that is seen has not", async () => {
  await browser.enter(page.url);
  for (let day = 0; day < 40; day += 10) {
    now += 10 * DAY_MS;
    expect((await browser.get("/api/session")).status).toBe(200);
  }
  now += 31 * DAY_MS;
  expect((await browser.get("/api/session")).status).toBe(401);
});

test("without a cookie, or with another helm's, nothing of a voyage is told: 401", async () => {
  const other = await openPage();
  const stranger = new Browser(page.port);
  const elsewhere = other.browser();
  await elsewhere.enter(other.url);
  for (const path of ["session", "stream", "voyages", "voyages/abc123", "voyages/abc123/events", "voyages/abc123/logs"]) {
    expect((await stranger.get(`/api/${path}`)).status).toBe(401);
    // Under the name that this page's own cookie has.
    const cookie = `ocaptain_${page.port}=${elsewhere.cookie.split("=")[1]}`;
    expect((await stranger.get(`/api/${path}`, { cookie })).status).toBe(401);
  }
  expect((await stranger.post("abc123", resume)).status).toBe(401);
  await other.remove();
});

test("an order needs the page's origin, the browser's word for it, the session's token and JSON: each fault alone is refused", async () => {
  await browser.enter(page.url);
  const right = browser.order(resume);
  const path = "/api/voyages/abc123/actions";
  expect((await send(page.port, path, right)).status).toBe(200);
  expect(orders).toEqual([resume]);
  const without = (name: string) => Object.fromEntries(Object.entries(right.headers).filter(([key]) => key !== name));
  const faults: [number, Record<string, string>][] = [
    [403, { ...right.headers, origin: "http://evil.example" }],
    [403, { ...right.headers, origin: `http://127.0.0.1:${page.port + 1}` }],
    [403, { ...right.headers, origin: "null" }],
    [403, without("origin")],
    [403, { ...right.headers, "sec-fetch-site": "cross-site" }],
    [403, { ...right.headers, "sec-fetch-site": "same-site" }],
    [403, without("sec-fetch-site")],
    [403, { ...right.headers, [ACTION_HEADER]: "x" }],
    [403, without(ACTION_HEADER)],
    [415, { ...right.headers, "content-type": "application/x-www-form-urlencoded" }],
    [415, { ...right.headers, "content-type": "text/plain" }],
    [415, without("content-type")],
    [401, without("cookie")],
    [421, { ...right.headers, host: "evil.example" }],
  ];
  for (const [status, headers] of faults) expect((await send(page.port, path, { ...right, headers })).status).toBe(status);
  // What no verb does is no order, and neither is one that is too long.
  expect((await browser.post("abc123", { action: "destroy" })).status).toBe(400);
  expect((await browser.post("abc123", { ...resume, more: 1 })).status).toBe(400);
  expect((await browser.post("abc123", { action: "answer", task: "1", text: "x".repeat(200_000) })).status).toBe(413);
  expect(orders).toHaveLength(1);
});

test("a request for another host is refused before anything else, the page itself too: 421", async () => {
  for (const host of ["evil.example", `evil.example:${page.port}`, "127.0.0.1", `127.0.0.1:${page.port + 1}`, ""])
    expect((await send(page.port, "/", { headers: { host } })).status).toBe(421);
  for (const host of [`127.0.0.1:${page.port}`, `localhost:${page.port}`, `LOCALHOST:${page.port}`])
    expect((await send(page.port, "/", { headers: { host } })).status).toBe(200);
});

test("every answer forbids scripts and styles from elsewhere, frames and copies, and none asks for https", async () => {
  await browser.enter(page.url);
  const { response, close } = await browser.stream();
  close();
  const others = ["/", "/assets/main.js", "/api/session", "/nowhere", "/enter"];
  const answers = [response, ...(await Promise.all(others.map((path) => browser.get(path))))];
  for (const { headers } of answers) {
    const policy = headers["content-security-policy"] as string;
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).toContain("require-trusted-types-for 'script'");
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
    expect(headers).toMatchObject({
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
    });
    expect(headers["strict-transport-security"]).toBeUndefined();
    expect(headers["access-control-allow-origin"]).toBeUndefined();
  }
});

test("the page has the files of its bundle, and no path leads out of it", async () => {
  expect((await browser.get("/")).headers["content-type"]).toBe("text/html; charset=utf-8");
  const script = await browser.get("/assets/main.js", { "accept-encoding": "gzip" });
  expect(script.headers).toMatchObject({ "content-type": "text/javascript; charset=utf-8", "content-encoding": "gzip" });
  const paths = ["/../package.json", "/assets/../digest", "/assets/..%2fdigest", "/assets/%2e%2e/%2e%2e/main.tsx", "/digest"];
  for (const path of [...paths, "//etc/passwd", "/assets/", "/assets/main.js/", "/assets//main.js", "/.env"])
    expect((await browser.get(path)).status).toBe(404);
});

test("after a restart the page is at the same port, and its browsers are still known; --stop forgets both", async () => {
  await browser.enter(page.url);
  page.server.close();
  const next = page.make();
  await next.start();
  expect(next.isNeeded(), "nobody looks yet").toBe(false);
  expect((await browser.get("/api/session")).status).toBe(200);
  expect(next.isNeeded()).toBe(true);
  // The token of a first address that nobody used ended with the helm.
  await next.stop();
  await expect(browser.get("/api/session")).rejects.toThrow("ECONNREFUSED");
  const after = page.make();
  await after.start();
  expect(after.isOpen).toBe(false);
  const { url } = await after.open({});
  expect(new URL(url).port).toBe(String(page.port));
  expect((await browser.get("/api/session")).status).toBe(401);
  after.close();
});

test("in a tailnet the page is also at the captain's address, by a first address of its own, and after a restart", async () => {
  // A tailscaled without a kernel interface delivers to loopback what comes for the captain.
  const at = await page.server.open({ tailnet: { address: "100.64.0.9", tun: false } });
  expect(at.tailnetUrl).toMatch(new RegExp(`^http://100\\.64\\.0\\.9:${page.port}/enter\\?token=`));
  const host = `100.64.0.9:${page.port}`;
  expect((await send(page.port, "/", { headers: { host } })).status).toBe(200);
  await browser.enter(page.url);
  const { headers, ...right } = browser.order(resume);
  const path = "/api/voyages/abc123/actions";
  expect((await send(page.port, path, { ...right, headers: { ...headers, host, origin: `http://${host}` } })).status).toBe(200);
  expect((await send(page.port, path, { ...right, headers: { ...headers, host } })).status, "from the other address").toBe(403);
  // Where the kernel has the address the helm listens there.
  await page.server.open({ tailnet: { address: "127.0.0.9", tun: true } });
  const there = () => fetch(`http://127.0.0.9:${page.port}/`).then(({ status }) => status);
  expect(await there()).toBe(200);
  page.server.close();
  const next = page.make();
  await next.start();
  await expect.poll(there).toBe(200);
  await next.stop();
  await expect(there()).rejects.toThrow();
  expect((await next.open({})).tailnetUrl).toBeUndefined();
  next.close();
});

test("a helm without a voyage is needed as long as somebody looks at the page, and half an hour more", async () => {
  await browser.enter(page.url);
  const stream = await browser.stream();
  now += 2 * 60 * 60_000;
  expect(page.server.isNeeded()).toBe(true);
  stream.close();
  const isNeededLater = () => {
    now += 31 * 60_000;
    return page.server.isNeeded();
  };
  await expect.poll(isNeededLater).toBe(false);
});
