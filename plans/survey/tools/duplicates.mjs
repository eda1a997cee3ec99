// Files with the same content (git knows: the same blob), and names that occur often.
import { byMost, files, isMade, tally, writePart } from "./common.mjs";

const all = files().filter((file) => !isMade(file.path));
const group = (keyOf) =>
  tally(
    all,
    keyOf,
    (key) => ({ key, paths: [], bytes: 0 }),
    (sum, file) => {
      sum.paths.push(file.path);
      sum.bytes = file.bytes;
    },
  ).filter((sum) => sum.paths.length > 1);
const contents = group((file) => file.blob)
  .filter((sum) => sum.bytes > 0)
  .map((sum) => ({ bytes: sum.bytes, copies: sum.paths.length, paths: sum.paths.slice(0, 6) }))
  .sort(
    byMost(
      (sum) => sum.bytes * (sum.copies - 1),
      (sum) => sum.paths[0],
    ),
  );
const names = group((file) => file.path.slice(file.path.lastIndexOf("/") + 1))
  .map((sum) => ({ name: sum.key, count: sum.paths.length, paths: sum.paths.slice(0, 6) }))
  .sort(
    byMost(
      (sum) => sum.count,
      (sum) => sum.name,
    ),
  );
const spare = contents.reduce((sum, one) => sum + one.bytes * (one.copies - 1), 0);
writePart(
  "duplicates",
  { files: all.length, spareBytes: spare, contents: contents.slice(0, 20), names: names.slice(0, 20) },
  `${contents.length} contents lie here twice or more`,
);
