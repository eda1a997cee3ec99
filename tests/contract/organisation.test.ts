import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { organisationCheck } from "../../lib/preflight/voyage.ts";
import { type Props, resource } from "../support/voyage/resource.ts";
import { type OpenVoyage, openVoyage } from "../support/voyage/voyage.ts";

/**
 * These tests have two organisations of sprites.dev at one address. Any token of acme is served by the harbor; a token
 * of another organisation is valid too, but is answered that nothing exists.
 */
let quay: OpenVoyage;
let dev: http.Server;
const asked: string[] = [];
beforeEach(async () => {
  quay = await openVoyage();
  const harbor = { url: new URL(process.env.SPRITES_API_URL!), token: process.env.SPRITE_TOKEN! };
  dev = http
    .createServer((request, response) => {
      const token = String(request.headers.authorization).replace("Bearer ", "");
      asked.push(`${token} ${request.method}`);
      if (!token.startsWith("acme/")) {
        const isList = /^\/v1\/sprites\?/.test(request.url ?? "");
        const none = { sprites: [], has_more: true, next_continuation_token: null, org: { name: "other" } };
        return response.writeHead(isList ? 200 : 404).end(JSON.stringify(isList ? none : { error: "sprite not found" }));
      }
      const { hostname, port } = harbor.url;
      const headers = { ...request.headers, authorization: `Bearer ${harbor.token}` };
      const onward = http.request({ hostname, port, path: request.url, method: request.method, headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      });
      request.pipe(onward);
    })
    .listen(0, "127.0.0.1");
  await once(dev, "listening");
  vi.stubEnv("SPRITES_API_URL", `http://127.0.0.1:${(dev.address() as AddressInfo).port}`);
  vi.stubEnv("SPRITE_TOKEN", "acme/111/t1/secret");
  asked.length = 0;
});
afterEach(async () => {
  vi.unstubAllEnvs();
  dev.closeAllConnections();
  dev.close();
  await quay.close();
});

const stack = "dev";
const common = { stack, provider: "sprites" as const };
const muster = resource("muster", common);

test("a token of another organisation is refused, by a look, a deletion and the proof, before it is believed that anything is gone", async () => {
  const mustered = (await muster.create()) as Props & { voyageId: string; nonce: string };
  expect(mustered.organisation).toEqual({ slug: "acme", id: "111" });
  const { voyageId, nonce } = mustered;
  const name = `dev-${voyageId}-ship-0`;
  const sprite = resource("sprite", { ...common, voyageId, nonce, crewDigest: "one", ship: "ship-0", name });
  const made = await sprite.create();

  const refused =
    /ships were made in the organisation acme of sprites\.dev, and the token is of other, which [\s\S]*a token of acme: (?![\s\S]*secret\d)/;
  vi.stubEnv("SPRITE_TOKEN", "other/222/t2/secret2");
  asked.length = 0;
  await expect(sprite.read(made)).rejects.toThrow(refused);
  await expect(sprite.remove(made)).rejects.toThrow(refused);
  await expect(muster.remove(mustered)).rejects.toThrow(refused);
  await expect(muster.update(mustered)).rejects.toThrow(refused);
  await expect(organisationCheck(stack, process.env.SPRITE_TOKEN, undefined).look()).rejects.toMatchObject({
    code: "ANOTHER_ORGANISATION",
  });
  expect(asked).toEqual([]);

  // Another token of the same organisation counts, even under another name: an organisation keeps its id.
  vi.stubEnv("SPRITE_TOKEN", "acme-2/111/t9/secret");
  expect(await organisationCheck(stack, process.env.SPRITE_TOKEN, undefined).look()).toEqual([]);
  vi.stubEnv("SPRITE_TOKEN", "acme/111/t9/secret");
  expect(await sprite.read(made)).toMatchObject({ incarnation: made.incarnation });
  await sprite.remove(made);
  await muster.remove(mustered);
  // The voyage has sunk, so the next fleet is made wherever the token belongs.
  vi.stubEnv("SPRITE_TOKEN", "other/222/t2/secret2");
  expect((await muster.create()).organisation).toEqual({ slug: "other", id: "222" });
});

test("ocaptain:spritesOrg, else OCAPTAIN_SPRITES_ORG, says which organisation is meant: a token of another is refused", async () => {
  const refused =
    /the token of sprites\.dev is of the organisation acme, and ocaptain:spritesOrg .* says other[\s\S]*spritesOrg acme/;
  await expect(muster.with({ spritesOrg: "other" }).create()).rejects.toThrow(refused);
  vi.stubEnv("OCAPTAIN_SPRITES_ORG", "other");
  await expect(muster.create()).rejects.toThrow(refused);
  await expect(organisationCheck(stack, process.env.SPRITE_TOKEN, undefined).look()).rejects.toMatchObject({
    code: "ANOTHER_ORGANISATION",
  });
  expect(await organisationCheck(stack, process.env.SPRITE_TOKEN, "acme").look()).toEqual([]);
  expect(await muster.with({ spritesOrg: "acme" }).create()).toMatchObject({ organisation: { slug: "acme" } });
});

test("a token that tells no organisation: the list does", async () => {
  vi.stubEnv("SPRITE_TOKEN", "untold");
  expect((await muster.create()).organisation).toEqual({ name: "other" });
});
