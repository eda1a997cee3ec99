// When people commit: weekday by hour, in each author's own time.
import { base, git, writePart } from "./common.mjs";

const grid = Array.from({ length: 7 }, () => Array(24).fill(0));
const times = git("log", "--format=%ad", "--date=format:%u %H", base().commit).split("\n").filter(Boolean);
for (const time of times) {
  const [weekday, hour] = time.split(" ").map(Number);
  grid[weekday - 1][hour] += 1;
}
writePart("rhythm", { commits: times.length, grid }, `${times.length} commits on a week's grid`);
