import { expect, test } from "vitest";
import { readOptions } from "../main.ts";
import { engineHistory, smaller } from "./histories.ts";

const seeds = Array.from({ length: 20 }, (_, index) => index + 1);

test("a seed gives the same history each time, in which a process dies; with an even seed trouble befalls the first up", () => {
  for (const seed of seeds) {
    const history = engineHistory(seed);
    expect(engineHistory(seed)).toEqual(history);
    expect(JSON.stringify(history)).toContain('"do":"kill"');
    const [first] = history.steps;
    expect(first).toMatchObject({ do: "up", during: seed % 2 === 0 ? expect.arrayContaining([expect.anything()]) : [] });
  }
});

test("each smaller history has fewer steps or fewer troubles, and still begins with an up", () => {
  const size = (history: object) => JSON.stringify(history).length;
  for (const seed of seeds) {
    const history = engineHistory(seed);
    for (const one of smaller(history)) {
      expect(size(one)).toBeLessThan(size(history));
      expect(one.steps[0]?.do).toBe("up");
    }
  }
});

test("one seed alone is one history; words that cannot be meant are refused with what they are", () => {
  expect(readOptions(["--seed", "17", "--level", "engine"])).toMatchObject({ seed: 17, histories: 1, level: "engine" });
  expect(readOptions(["--seed", "17", "--histories", "3"])).toMatchObject({ seed: 17, histories: 3 });
  expect(readOptions(["--level", "sea"])).toContain('no level "sea"');
  expect(readOptions(["--minutes", "soon"])).toContain('"soon" is none');
  expect(readOptions(["--fast"])).toContain("--fast");
});
