import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { bundlePage, page } from "../../tools/setup/page.mjs";

test("the bundled page has less than 100 kB compressed, and takes nothing from elsewhere; made once, it is whole", async () => {
  const folder = await bundlePage();
  expect(page.intact()).toBe(true);
  const assets = readdirSync(join(folder, "assets")).map((name) => join(folder, "assets", name));
  const files = [join(folder, "index.html"), ...assets];
  expect(files.map((file) => file.slice(folder.length))).toEqual(
    expect.arrayContaining(["/index.html", "/assets/main.js", "/assets/main.css"]),
  );
  const bytes = files.map((file) => gzipSync(readFileSync(file)).length).reduce((all, size) => all + size, 0);
  expect(bytes).toBeLessThan(100_000);
  const html = readFileSync(join(folder, "index.html"), "utf8");
  expect(html).not.toMatch(/(?:src|href)="(?:https?:|\/\/)|style=|<script(?![^>]* src=)|onload=/);
  for (const name of ["preact", "uplot"]) expect(readFileSync(join(folder, "licences.txt"), "utf8")).toContain(name);
});
