import { afterEach, describe, expect, test, vi } from "vitest";
import { LeaseWatch, now } from "../../crew/helm/lease-watch.ts";

afterEach(() => vi.useRealTimers());

const halts = (lease: LeaseWatch) => {
  try {
    lease.assertHeld();
    return false;
  } catch (error) {
    return (error as { kind: string }).kind === "silence";
  }
};

describe("the watch on the lease", () => {
  test("counts from when the acknowledged heartbeat was sent, not from its answer", () => {
    vi.useFakeTimers();
    const lease = new LeaseWatch(90);
    vi.advanceTimersByTime(80_000);
    const sentAt = now();
    vi.advanceTimersByTime(8_000); // the answer takes long
    lease.acknowledge(sentAt);
    vi.advanceTimersByTime(81_999);
    expect(halts(lease)).toBe(false);
    vi.advanceTimersByTime(1);
    expect(halts(lease)).toBe(true);
  });

  test("sees a suspended VM by its wall clock alone, and is not fooled by a wall clock set back", () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const lease = new LeaseWatch(90);
    vi.setSystemTime(Date.now() - 3_600_000);
    expect(halts(lease)).toBe(false);
    lease.acknowledge(now());
    vi.setSystemTime(Date.now() + 90_000);
    expect(halts(lease)).toBe(true);
  });

  test("counts steady time also when the wall clock was set back meanwhile", () => {
    vi.useFakeTimers();
    const lease = new LeaseWatch(90);
    vi.setSystemTime(Date.now() - 3_600_000);
    vi.advanceTimersByTime(90_000);
    expect(halts(lease)).toBe(true);
  });
});
