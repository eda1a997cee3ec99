// The largest files, and how file sizes are spread.
import { byMost, countLines, files, isMade, text, writePart } from "./common.mjs";

const all = files();
const top = [...all]
  .sort(
    byMost(
      (file) => file.bytes,
      (file) => file.path,
    ),
  )
  .slice(0, 25)
  .map(({ path, bytes }) => {
    const content = text(path);
    return { path, bytes, lines: content === null ? null : countLines(content), made: isMade(path) };
  });
const limits = [1, 2, 4, 8, 16, 32, 64, 128, 256, Number.POSITIVE_INFINITY].map((kib) => kib * 1024);
const sizes = limits.map((below, i) => ({
  below: Number.isFinite(below) ? below : null,
  files: all.filter((file) => file.bytes < below && file.bytes >= (limits[i - 1] ?? 0)).length,
}));
const sorted = all.map((file) => file.bytes).sort((a, b) => a - b);
writePart(
  "largest",
  { files: all.length, medianBytes: sorted[sorted.length >> 1] ?? 0, sizes, top },
  `largest: ${top[0]?.path ?? "none"}`,
);
