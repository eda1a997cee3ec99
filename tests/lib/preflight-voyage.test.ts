import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { expect, test, vi } from "vitest";
import { OcaptainError } from "../../lib/base/errors.ts";
import { voyageFolder } from "../../lib/base/paths.ts";
import { prepareRepo } from "../../lib/git/voyage-repo.ts";
import { runPreflight } from "../../lib/preflight/check.ts";
import { preflight } from "../../lib/preflight/preflight.ts";
import { chooseShipCount } from "../../lib/preflight/ship-count.ts";
import { captainCheck, providerCheck, stackNameCheck } from "../../lib/preflight/voyage.ts";
import type { SpritesClient } from "../../lib/sprites/types.ts";
import { captainId } from "../../lib/voyage/captain-id.ts";
import { writeVoyageIdentity } from "../../lib/voyage/identity.ts";
import { writeRepo } from "../support/plan.ts";
import { root, sunkVoyage, writePlan } from "./preflight-home.ts";

/** What preflight finds about the voyage: its name and captain, and one that has sailed already. */

test("a stack whose name no ship can carry is refused", async () => {
  await expect(runPreflight("voyage-abc", [stackNameCheck("Voyage_1")])).rejects.toThrow(
    /stack: stack "Voyage_1" cannot name ships/,
  );
  await runPreflight("voyage-abc", [stackNameCheck("voyage-abc")]);
});

test("another captain's voyage is refused with the command that hands over; ours, a sunk and a handed-over one sail", async () => {
  const voyage = { voyageId: "3fa9c1", stack: "voyage-abc", captainId: "0123456789ab", nonce: "n", createdAt: "2026-01-01" };
  expect(await captainCheck("voyage-abc", undefined).look()).toEqual([]);
  await writeVoyageIdentity(voyage);
  expect(await captainCheck("voyage-abc", undefined).look()).toMatchObject([
    { hint: "to take it over: pulumi config set ocaptain:handover 0123456789ab -s voyage-abc" },
  ]);
  expect(await captainCheck("voyage-abc", "0123456789ab").look()).toEqual([]);
  await writeVoyageIdentity({ ...voyage, sunkAt: "2026-01-02" });
  expect(await captainCheck("voyage-abc", undefined).look()).toEqual([]);
  await writeVoyageIdentity({ ...voyage, captainId: await captainId() });
  expect(await captainCheck("voyage-abc", undefined).look()).toEqual([]);
});

test("a wrong token is a finding with the place to set it; a right one asks one list", async () => {
  const asked: string[] = [];
  const list = async (prefix: string) => {
    asked.push(prefix);
    return [];
  };
  await runPreflight("voyage-abc", [providerCheck("voyage-abc", async () => ({ list }) as unknown as SpritesClient)]);
  expect(asked).toEqual(["voyage-abc-"]);
  const refused = async (): Promise<SpritesClient> => {
    throw new OcaptainError("UNAUTHORIZED", "api.sprites.dev refused the token (401)", {
      hint: "pulumi config set --secret ocaptain:spritesToken TOKEN",
    });
  };
  await expect(runPreflight("voyage-abc", [providerCheck("voyage-abc", refused)])).rejects.toThrow(
    /provider: .*refused the token[\s\S]*spritesToken/,
  );
});

test.each([
  [5, 2, "7", 5],
  [undefined, 2, "7", 2],
  [undefined, null, "7", 7],
  [undefined, null, "", 3],
])("ships: config %s, plan %s, environment '%s' → %s", (configured, recommended, fallback, count) =>
  expect(chooseShipCount(configured, recommended, fallback)).toBe(count),
);
test.each(["0", "-1", "1.5", "many", "1001"])("OCAPTAIN_DEFAULT_SHIPS=%s is refused", (fallback) =>
  expect(() => chooseShipCount(undefined, null, fallback)).toThrow(/OCAPTAIN_DEFAULT_SHIPS/),
);

test("a stack's name that is used again: another repository and another plan are refused, with the ways out; begun anew they sail", async () => {
  vi.stubEnv("OCAPTAIN_HELM_PORT", "0");
  const { plan } = await writePlan();
  const args = { stack: "voyage-abc", plan, provider: "harbor", unconfined: true } as const;
  const { repo, folder } = await sunkVoyage("voyage-abc", plan, { sunkAt: "2026-01-02", followUps: ["Mend it"] });
  const told = async (more: object = {}) =>
    ((await preflight({ ...args, ...more }).catch((error: Error) => error)) as Error).message;

  expect((await preflight(args)).kept).toBe(
    `Voyage 3fa9c1, which has sunk, goes on: ${folder.root} is kept, with its branch and its ledger.\n  Tasks that stay done: 1\n  To begin anew instead (the folder is put aside): pulumi config set ocaptain:beginAnew 3fa9c1 -s voyage-abc`,
  );
  const other = await writeRepo(join(root, "other"));
  await execa("git", ["-c", "user.name=c", "-c", "user.email=c@x", "commit", "-q", "--amend", "-m", "Other"], { cwd: other });
  const anew =
    "hint: another stack: [^\\n]*; or begin anew \\(the old folder is kept as \\S+voyage-abc\\.3fa9c1\\): pulumi config set ocaptain:beginAnew 3fa9c1";
  expect(await told({ repo: other })).toMatch(
    new RegExp(
      `repository: voyage 3fa9c1 of stack "voyage-abc" works on "${repo}", [^\\n]*named now is "${other}"[^\\n]*\\n\\s+${anew}`,
    ),
  );
  expect(await told({ plan: "", repo, unconfined: undefined })).toMatch(
    /ocaptain:plan: [^\n]*sails the plan "try"[^\n]*and no plan is named now[^\n]*\n\s+hint: [^\n]*pulumi config set ocaptain:plan -s voyage-abc, which asks for its folder; or begin anew/,
  );
  await writeFile(join(plan, "voyage.json"), JSON.stringify({ name: "another", repo }));
  expect(await told()).toMatch(
    new RegExp(`plan \\S+: [^\\n]*sails the plan "try" \\(tasks done: 1\\), and this plan is "another"[^\\n]*\\n\\s+${anew}`),
  );
  await writeFile(join(plan, "voyage.json"), JSON.stringify({ name: "try", repo }));
  const task = {
    id: "1",
    subject: "Something else",
    description: "In no way what it was",
    status: "pending",
    blocks: [],
    blockedBy: [],
  };
  await writeFile(join(plan, "tasks", "1.json"), JSON.stringify(task));
  expect(await told()).toMatch(
    new RegExp(`tasks/1\\.json: [^\\n]*task 1 was done as "s", and is "Something else" now[^\\n]*\\n\\s+${anew}`),
  );
  await writeFile(join(plan, "tasks", "1.json"), JSON.stringify({ ...task, subject: "s", description: "d" }));
  await writeFile(join(plan, "tasks", "900001.json"), JSON.stringify({ ...task, id: "900001" }));
  expect(await told()).toMatch(
    /tasks\/900001\.json: has the number of a task that was added to voyage 3fa9c1 beside its plan: 900001 is "Mend it" there, and "Something else" here\n\s+hint: give it another number, lower than 900001/,
  );
  expect(await preflight({ ...args, repo: other, beginAnew: "3fa9c1" })).toMatchObject({ kept: null, warnings: [] });
});

test("submodules that no ship can fill, and a wrong count in the plan, are told at each run, before a voyage begins and at sea", async () => {
  vi.stubEnv("OCAPTAIN_HELM_PORT", "0");
  const { plan } = await writePlan();
  const repo = await writeRepo(join(root, "code"));
  await writeFile(join(plan, "voyage.json"), JSON.stringify({ name: "try", repo, total_tasks: 7 }));
  const inRepo = (...args: string[]) => execa("git", ["-C", repo, "-c", "user.name=t", "-c", "user.email=t@t.invalid", ...args]);
  const addresses = { near: "https://host.invalid/near.git", far: "git@host.invalid:far.git", beside: "../beside.git" };
  for (const [path, url] of Object.entries(addresses)) {
    await mkdir(join(repo, path)); // as a clone leaves it, or git calls it deleted
    await inRepo("config", "--file", ".gitmodules", `submodule.${path}.path`, path);
    await inRepo("config", "--file", ".gitmodules", `submodule.${path}.url`, url);
    await inRepo("update-index", "--add", "--cacheinfo", `160000,${"1".repeat(40)},${path}`);
  }
  await inRepo("add", ".gitmodules");
  await inRepo("commit", "--quiet", "--message=submodules");
  const told = [
    `${plan}/voyage.json total_tasks is 7, and should be 1, the tasks that are there: it is not read, and may be left out`,
    expect.stringMatching(/^the repository has submodules that stay empty on ships: beside, far\. [\s\S]*http/),
  ];
  const args = { stack: "voyage-abc", plan, provider: "harbor", unconfined: true } as const;
  expect((await preflight(args)).warnings).toEqual(told);
  await prepareRepo({ folder: voyageFolder("voyage-abc"), repo, branch: "voyage-abc" });
  const voyage = { voyageId: "3fa9c1", stack: "voyage-abc", captainId: await captainId(), nonce: "n", createdAt: "2026-01-01" };
  await writeVoyageIdentity(voyage);
  expect((await preflight(args)).warnings).toEqual(told);
});

test("a voyage at sea needs its source no more: it may be gone, or have moved, which is told; begun anew it is not before it has sunk", async () => {
  vi.stubEnv("OCAPTAIN_HELM_PORT", "0");
  const { plan } = await writePlan();
  const args = { stack: "voyage-abc", plan, provider: "harbor", unconfined: true } as const;
  const { repo } = await sunkVoyage("voyage-abc", plan, {});
  expect(await preflight(args)).toMatchObject({ kept: null, warnings: [] });
  const moved = join(root, "moved");
  await rename(repo, moved);
  const byItself = `voyage 3fa9c1 goes on by what ${voyageFolder("voyage-abc").root} holds, without:\n  `;
  expect((await preflight(args)).warnings).toEqual([
    expect.stringMatching(new RegExp(`^${byItself}repository "\\S+code" cannot be read: `)),
  ]);
  expect((await preflight({ ...args, repo: moved })).warnings).toEqual([
    `the repository's address is another than when voyage 3fa9c1 began: it was ${repo}, it is ${moved}; its history is the same, and the voyage goes on`,
  ]);
  await expect(preflight({ ...args, repo: join(root, "nowhere") })).rejects.toThrow(
    /repository: repository "\S+nowhere" cannot be read/,
  );
  await expect(preflight({ ...args, beginAnew: "3fa9c1" })).rejects.toThrow(
    /voyage: ocaptain:beginAnew names voyage 3fa9c1, which is at sea[^\n]*\n\s+hint: pulumi destroy -s voyage-abc[^\n]*where a destroy finds nothing[^\n]*adopt it/,
  );
});

test("a voyage at sea needs its plan's folder no more, which is told in one word with its repository; another folder is another plan, and a broken one is broken", async () => {
  vi.stubEnv("OCAPTAIN_HELM_PORT", "0");
  const { plan } = await writePlan();
  const args = { stack: "voyage-abc", plan, provider: "harbor", unconfined: true } as const;
  const told = async (more: object = {}) =>
    ((await preflight({ ...args, ...more }).catch((error: Error) => error)) as Error).message;
  const { repo, folder } = await sunkVoyage("voyage-abc", plan, {});
  const whole = await preflight(args);
  const [moved, code] = [join(root, "moved"), join(root, "moved-code")];
  await rename(plan, moved);
  const without = (what: string) => `voyage 3fa9c1 goes on by what ${folder.root} holds, without:\n  plan ${plan}: ${what}`;
  const missing = `there is no such folder; it would be ${plan}. It sails as it was at the last up: changes of it are not followed until it is back, or ocaptain:plan names where it is`;
  expect(await preflight(args)).toEqual({ ...whole, warnings: [without(missing)] });
  await rename(repo, code);
  const { plan: sailed, warnings } = await preflight(args);
  expect({ sailed, warnings: warnings.length }).toEqual({ sailed: whole.plan, warnings: 1 });
  expect(warnings[0]).toMatch(/^[^\n]*, without:\n {2}plan [^\n]*\n {2}repository "\S+code" cannot be read: /);
  expect(await preflight({ ...args, repo: code })).toMatchObject({
    plan: { repo: code, digest: expect.not.stringContaining(whole.plan.digest) },
  });
  await rename(code, repo);

  const nowhere = join(root, "nowhere");
  expect(await told({ plan: nowhere })).toMatch(
    new RegExp(
      `plan ${nowhere}: there is no such folder[^\\n]*Voyage 3fa9c1 sails the plan of ${plan}, so this would be another\\n +hint: [^\\n]*pulumi config set ocaptain:plan ${plan} -s voyage-abc`,
    ),
  );
  expect(await told({ stack: "voyage-new" })).toMatch(/ {2}\S+plan: there is no such folder; it would be \S+plan$/);
  await mkdir(plan);
  expect(await told()).toMatch(/plan\/voyage.json: is missing/);
  await rm(plan, { recursive: true });
  await writeFile(plan, "no folder");
  expect(await told()).toMatch(/plan: is a file, and no folder of a plan/);
  await rm(plan);
  expect((await preflight({ ...args, plan: moved })).warnings).toEqual([]);
});

test("a plan whose repository is the one around it, which is there no more, sails on", async () => {
  vi.stubEnv("OCAPTAIN_HELM_PORT", "0");
  const { plan } = await writePlan();
  const args = { stack: "voyage-abc", plan, provider: "harbor", unconfined: true } as const;
  const { repo } = await sunkVoyage("voyage-abc", plan, {});
  await writeFile(join(plan, "voyage.json"), JSON.stringify({ name: "try", repo: "." }));
  await rm(repo, { recursive: true });
  const { plan: sails, warnings } = await preflight(args);
  expect(sails.repo).toBe(repo);
  expect(warnings).toEqual([expect.stringMatching(/without:\n {2}repository "\S+code" cannot be read/)]);
  await expect(preflight({ ...args, stack: "voyage-new" })).rejects.toThrow(
    /voyage.json repo: is "\.", the repository that \S+ lies in, and it lies in none/,
  );
});

test("a voyage of an earlier version, without a whole copy of its plan, is refused with the way to one", async () => {
  vi.stubEnv("OCAPTAIN_HELM_PORT", "0");
  const { plan } = await writePlan();
  const args = { stack: "voyage-abc", plan, provider: "harbor", unconfined: true } as const;
  await sunkVoyage("voyage-abc", plan, { isOld: true });
  await rm(plan, { recursive: true });
  await expect(preflight(args)).rejects.toThrow(
    /Voyage 3fa9c1 has kept no whole copy of its plan, as it last sailed by an earlier version\n\s+hint: put the plan back/,
  );
});

test("where a voyage begins: a base that is not there, or of no repository, is refused; one at sea is not moved to another", async () => {
  vi.stubEnv("OCAPTAIN_HELM_PORT", "0");
  const { plan } = await writePlan();
  const args = { stack: "voyage-abc", plan, provider: "harbor", unconfined: true } as const;
  const told = async (more: object = {}) =>
    ((await preflight({ ...args, ...more }).catch((error: Error) => error)) as Error).message;
  const repo = await writeRepo(join(root, "code"));
  await writeFile(join(plan, "voyage.json"), JSON.stringify({ name: "try", repo }));
  expect(await told({ base: "mian" })).toMatch(
    /repository: ocaptain:base is "mian", [^\n]*; did you mean main\?\n\s+hint: git ls-remote \S+code, [^\n]*pulumi config rm ocaptain:base -s voyage-abc/,
  );
  expect(await told({ plan: "", base: "main", unconfined: undefined })).toMatch(
    /ocaptain:base: is "main", and there is no repository/,
  );
  expect(await preflight({ ...args, base: "main" })).toMatchObject({ warnings: [] });
  await rm(repo, { recursive: true });
  await sunkVoyage("voyage-abc", plan, {});
  expect(await preflight(args)).toMatchObject({ warnings: [] });
  expect(await told({ base: "main" })).toMatch(
    /repository: voyage 3fa9c1 of stack "voyage-abc" has begun from its repository's HEAD, and ocaptain:base is "main" now[^\n]*\n\s+hint: another stack: [^\n]*pulumi config rm ocaptain:base -s voyage-abc; or begin anew/,
  );
});

test("to sign off needs somebody who signs", async () => {
  vi.stubEnv("OCAPTAIN_HELM_PORT", "0");
  const { plan } = await writePlan();
  const args = { stack: "voyage-abc", plan, provider: "harbor", unconfined: true, signOff: true } as const;
  vi.stubEnv("GIT_CONFIG_GLOBAL", "/dev/null");
  await expect(preflight(args)).rejects.toThrow(
    /ocaptain:signOff: is true, and who signs is not known: [^\n]*\n\s+hint: pulumi config set ocaptain:author 'Name <mail@example.com>' -s voyage-abc/,
  );
  expect(await preflight({ ...args, author: "Ann <ann@sea.example>" })).toMatchObject({ warnings: [] });
});
