import { afterEach, expect, test, vi } from "vitest";
import { reachDirectly } from "../../crew/machine/no-proxy.ts";

afterEach(() => vi.unstubAllEnvs());

test("a ship whose environment names a proxy reaches helm, itself and tailnet without it, and its hand too", () => {
  vi.stubEnv("no_proxy", "intranet.example");
  vi.stubEnv("NO_PROXY", undefined);
  reachDirectly("http://helm.lan:4318");
  const list = (process.env.no_proxy ?? "").split(",");
  expect(list).toEqual(expect.arrayContaining(["intranet.example", "helm.lan", "127.0.0.1", "100.64.0.0/10"]));
  expect(process.env.NO_PROXY).toBe(process.env.no_proxy);
  vi.stubEnv("no_proxy", "*");
  reachDirectly("http://helm.lan:4318");
  expect(process.env.no_proxy).toBe("*");
});
