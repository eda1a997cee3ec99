import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { DISK_LOOK_MS } from "../../harbor/sprites/disk-watch.ts";
import { until } from "../support/until.ts";
import { openHarbor } from "./fixture.ts";

/** A ship that takes what it can get, and another beside it whose crew goes on. */
async function twoShips() {
  const opened = await openHarbor({ most: { memoryMiB: 160, processes: 60, diskMiB: 48 } });
  for (const name of ["greedy", "calm"]) await opened.create(name);
  await opened.sh("calm", "tmux new-session -d 'i=0; while sleep 0.02; do i=$((i+1)); echo $i >~/beat; done'");
  const beat = async () => Number((await opened.sh("calm", "cat ~/beat 2>/dev/null")).out || 0);
  /** Resolves when the calm ship's crew has gone on since now. */
  const goesOn = async () => {
    const before = await beat();
    await until("the other ship's heartbeat", async () => (await beat()) > before + 3);
  };
  await goesOn();
  return { ...opened, goesOn };
}

const groups = () =>
  ["", "cpu", "memory", "pids"].flatMap((name) => {
    const folder = join("/sys/fs/cgroup", name, "ocaptain");
    const own = existsSync(folder) ? readdirSync(folder).find((entry) => entry.startsWith(`${process.pid}-`)) : undefined;
    return own ? [join(folder, own)] : [];
  });

test("a ship's processes and memory are bound where there are control groups, while another's heartbeat goes on; nothing of them stays", async (context) => {
  const harbor = await twoShips();
  if (!harbor.harbor.limits.endsWith("held by control groups")) {
    expect(harbor.harbor.limits).toMatch(/^no control groups here, so memory is not bound/);
    return context.skip();
  }
  expect(harbor.harbor.limits).toBe("160 MiB of memory and 60 processes a ship, held by control groups");
  // Each of 200 would go on for ever; the shell counts those that it could start.
  const bomb = "n=0; while [ $n -lt 200 ] && (sleep 1000 >/dev/null 2>&1 &) 2>/dev/null; do n=$((n+1)); done; echo $n";
  const started = Number((await harbor.sh("greedy", bomb)).out);
  expect(started).toBeGreaterThan(20);
  expect(started).toBeLessThan(60);
  await harbor.goesOn();
  // Its processes can still be frozen, thawed and ended, although it can start no more of its own.
  await harbor.sleep("greedy", "warm");
  expect(await harbor.status("greedy")).toBe("warm");
  await harbor.sleep("greedy", "cold");
  const hog = "const all=[];for(;;)all.push(Buffer.alloc(2**23,1))";
  expect((await harbor.sh("greedy", `node -e '${hog}' 2>/dev/null`)).code).toBeGreaterThan(128);
  await harbor.goesOn();
  expect((await harbor.sh("greedy", "cat /proc/self/oom_score_adj")).out).toBe("500\n");
  expect(groups().length).toBeGreaterThan(0);
  await harbor.harbor.close();
  expect(groups()).toEqual([]);
});

test("a ship that has more on disk than it may is ended, may be woken to take it away, and is ended again when it has more; the other goes on", async () => {
  const harbor = await twoShips();
  const write = (name: string, mib: number) => harbor.sh("greedy", `dd if=/dev/zero of=$HOME/${name} bs=1M count=${mib} 2>&1`);
  const look = async () => {
    harbor.clock.advance(DISK_LOOK_MS);
    await harbor.goesOn();
  };
  await write("small", 8);
  await look();
  expect(await harbor.status("greedy")).toBe("running");
  await write("large", 80);
  await until("it is ended", async () => {
    await look();
    return (await harbor.status("greedy")) === "cold";
  });
  expect((await harbor.sh("greedy", "ls")).out).toBe("large\nsmall\n");
  await look();
  expect(await harbor.status("greedy")).toBe("running");
  await write("more", 2);
  await until("it is ended again", async () => {
    await look();
    return (await harbor.status("greedy")) === "cold";
  });
  await harbor.sh("greedy", "rm large more");
  await look();
  await write("more", 2);
  await look();
  expect(await harbor.status("greedy")).toBe("running");
});
