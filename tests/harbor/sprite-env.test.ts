import { describe, expect, test } from "vitest";
import { holdArgv } from "../../lib/sprites/keep-awake.ts";
import { kinds, openHarbor } from "./fixture.ts";

describe.each(kinds)("sprite-env in a $kind ship", ({ unconfined }) => {
  test("holds the ship awake on a machine that has no curl", async () => {
    const { create, sh } = await openHarbor({ unconfined });
    await create("a");
    await sh("a", "mkdir -p ~/.local/bin; printf '#!/bin/sh\\nexit 127\\n' >~/.local/bin/curl; chmod +x ~/.local/bin/curl");
    expect((await sh("a", "curl --version")).code).toBe(127);
    const [shell, flag, script] = holdArgv(60);
    expect([shell, flag]).toEqual(["/bin/sh", "-c"]);
    expect(await sh("a", script as string)).toMatchObject({ code: 0, err: "" });
    expect(JSON.parse((await sh("a", "sprite-env curl -s /v1/tasks")).out)).toMatchObject({ tasks: [{ name: "captain" }] });
  });
});

test("sprite-env takes what people give to curl, and ends as curl does", async () => {
  const { create, sh } = await openHarbor();
  await create("a");
  const curl = (words: string, input = "") => sh("a", `sprite-env curl ${words}`, input);
  expect(
    await curl(`-XPOST http://sprite/v1/tasks -d '{"name":"h","expire":"5m"}' -o ~/answer -w '%{http_code}\\n'`),
  ).toMatchObject({
    code: 0,
    out: "201\n",
  });
  expect((await sh("a", "cat ~/answer")).out).toContain('"h"');
  expect(await curl("-s -X PUT -H 'Content-Type: application/json' -d @- /v1/tasks", '{"name":"i","expire":60}')).toMatchObject({
    code: 0,
    out: expect.stringContaining('"i"'),
  });
  expect(await curl("-fsS /v1/tasks/none")).toEqual({
    status: 200,
    code: 22,
    out: "",
    err: "curl: (22) The requested URL returned error: 404\n",
  });
  expect(await curl("-fs /v1/tasks/none")).toMatchObject({ code: 22, out: "", err: "" });
  expect(await curl("/v1/tasks/none")).toMatchObject({ code: 0, out: expect.stringContaining("error"), err: "" });
  expect(await curl("--proxy x /v1/tasks")).toMatchObject({ code: 2, err: expect.stringContaining("--proxy") });
  expect(await sh("a", "sprite-env services list")).toMatchObject({
    code: 2,
    err: expect.stringContaining('no command "services"'),
  });
  expect(await sh("a", "OCAPTAIN_SPRITE_SOCKET=/nowhere sprite-env curl /v1/tasks")).toMatchObject({
    code: 7,
    err: expect.stringContaining("/nowhere"),
  });
});
