import { afterEach, describe, expect, test, vi } from "vitest";
import { LeaseWatch, now } from "../../crew/helm/lease-watch.ts";

afterEach(() => vi.useRealTimers());

const halts = (leash: LeaseWatch) => {
  try {
    leash.assertHeld();
    return false;
  } catch (error) {
    return (error as { kind: string }).kind === "silence";
  }
};

describe("the leash", () => {
  test("counts from when the acknowledged heartbeat was sent, not from its answer", () => {
    vi.useFakeTimers();
    const leash = new LeaseWatch(90);
    vi.advanceTimersByTime(80_000);
    const sentAt = now();
    vi.advanceTimersByTime(8_000); // the answer takes long
    leash.acknowledge(sentAt);
    vi.advanceTimersByTime(81_999);
    expect(halts(leash)).toBe(false);
    vi.advanceTimersByTime(1);
    expect(halts(leash)).toBe(true);
  });

  test("sees a suspended VM by its wall clock alone, and is not fooled by a wall clock set back", () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const leash = new LeaseWatch(90);
    vi.setSystemTime(Date.now() - 3_600_000);
    expect(halts(leash)).toBe(false);
    leash.acknowledge(now());
    vi.setSystemTime(Date.now() + 90_000);
    expect(halts(leash)).toBe(true);
  });

  test("counts steady time also when the wall clock was set back meanwhile", () => {
    vi.useFakeTimers();
    const leash = new LeaseWatch(90);
    vi.setSystemTime(Date.now() - 3_600_000);
    vi.advanceTimersByTime(90_000);
    expect(halts(leash)).toBe(true);
  });
});
