import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import { stopHelm } from "../../lib/daemons/helm.ts";
import { helmClient } from "../../lib/daemons/helm-client.ts";
import { makeCaptain } from "../support/helm-voyage.ts";
import { BIN, ocaptain } from "../support/ocaptain.ts";
import { Browser, ensureBundle } from "../support/page.ts";

let captain: Awaited<ReturnType<typeof makeCaptain>>;
let bin: string;
beforeAll(async () => {
  await ensureBundle();
  captain = await makeCaptain();
  bin = join(captain.root, "bin");
  mkdirSync(bin);
  mkdirSync(process.env.OCAPTAIN_VOYAGES!, { recursive: true });
  // A browser that notes what it is to show.
  writeFileSync(join(bin, "xdg-open"), `#!/bin/sh\nprintf '%s' "$*" > ${join(captain.root, "opened")}\n`);
  chmodSync(join(bin, "xdg-open"), 0o755);
});
afterAll(async () => {
  await stopHelm();
  captain.remove();
});

/** `ocaptain dashboard` of somebody who sits at a screen, or at none. */
const dashboard = (words: string[], screen: Record<string, string | undefined>) =>
  execa(BIN, ["dashboard", ...words], {
    env: {
      PATH: [bin, process.env.PATH].join(delimiter),
      DISPLAY: undefined,
      WAYLAND_DISPLAY: undefined,
      WSL_DISTRO_NAME: undefined,
      BROWSER: undefined,
      ...screen,
    },
    reject: false,
    timeout: 60_000,
  });
const portOf = (url: string) => Number(new URL(url).port);

test("dashboard starts the helm, and prints an address that lets one browser in; --open hands over a file, no secret word", async () => {
  const said = await ocaptain("dashboard");
  expect(said.exitCode).toBe(0);
  expect(said.stdout).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/enter\?token=[\w-]{43}$/);
  expect(said.stderr).toContain("within ten minutes");
  const browser = new Browser(portOf(said.stdout));
  expect((await browser.enter(said.stdout)).status).toBe(303);
  expect(JSON.parse((await browser.get("/api/voyages")).body)).toEqual({ voyages: [] });

  const opened = await dashboard(["--open", "--json"], { DISPLAY: ":0" });
  expect(opened.exitCode).toBe(0);
  expect(JSON.parse(opened.stdout)).toMatchObject({ opened: true });
  const file = readFileSync(join(captain.root, "opened"), "utf8");
  expect(file).not.toContain("token");
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const url = /url=(http:[^"]+)"/.exec(readFileSync(file, "utf8"))![1]!;
  expect(portOf(url)).toBe(portOf(said.stdout));
  expect((await new Browser(portOf(url)).enter(url)).status).toBe(303);
  await expect.poll(() => existsSync(file)).toBe(false);
});

test("where no browser can be opened the address is printed all the same, with exit status 1", async () => {
  const said = await dashboard(["--open"], {});
  expect(said).toMatchObject({ exitCode: 1, stdout: expect.stringMatching(/^http:/) });
  expect(said.stderr).toContain("no browser could be opened from here");
});

test("--port moves the page, and --stop ends it, with the helm that nobody else needs", async () => {
  expect((await ocaptain("dashboard", "--port", "70000")).exitCode).toBe(2);
  expect((await ocaptain("dashboard", "--stop", "--open")).exitCode).toBe(2);
  const { url } = JSON.parse((await ocaptain("dashboard", "--json")).stdout);
  const stopped = await ocaptain("dashboard", "--stop");
  expect(stopped).toMatchObject({ exitCode: 0, stdout: "the page is served no more, and no browser is known to it" });
  await expect(new Browser(portOf(url)).get("/")).rejects.toThrow("ECONNREFUSED");
  await expect
    .poll(() =>
      helmClient()
        .health()
        .catch((error) => error.code),
    )
    .toBe("HELM_DOWN");
});
