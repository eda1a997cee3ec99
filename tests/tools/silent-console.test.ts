import { expect, test, vi } from "vitest";

test.fails("a test that prints to the console fails", () => {
  console.warn("printed");
});

test("a test about printing can say so", () => {
  const spy = vi.spyOn(console, "warn").mockImplementation(() => {});
  console.warn("printed");
  expect(spy).toHaveBeenCalledWith("printed");
  spy.mockRestore();
});
