// How much lies in which folder, two levels deep. The parts add up to the whole.
import { byMost, files, tally, topFolder, writePart } from "./common.mjs";

const sums = (rows, keyOf) =>
  tally(
    rows,
    keyOf,
    (name) => ({ name, files: 0, bytes: 0, rows: [] }),
    (sum, row) => {
      sum.files += 1;
      sum.bytes += row.bytes;
      sum.rows.push(row);
    },
  ).sort(
    byMost(
      (sum) => sum.bytes,
      (sum) => sum.name,
    ),
  );

const all = files();
const folders = sums(all, (file) => topFolder(file.path)).map(({ rows, ...folder }) => ({
  ...folder,
  inside: sums(rows, (file) =>
    file.path.split("/").length > 2 || folder.name === "(root)"
      ? file.path.split("/")[folder.name === "(root)" ? 0 : 1]
      : "(files)",
  )
    .map(({ rows: _, ...inner }) => inner)
    .slice(0, 40),
}));
writePart(
  "folders",
  { files: all.length, bytes: all.reduce((sum, file) => sum + file.bytes, 0), folders },
  `${folders.length} folders at the top`,
);
