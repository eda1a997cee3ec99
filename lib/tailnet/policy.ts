import { isDeepStrictEqual } from "node:util";
import jsonc from "jsonc-parser";
import { type Block, blockText, findBlocks, insert, isUntouched, withoutBlocks } from "./policy-blocks.ts";
import { HELM_PORT, policyRules, type Rules } from "./policy-rules.ts";
import { CAPTAIN_TAG, SHIP_TAG } from "./types.ts";

/** `diff`: lines that come (`+`) and go (`-`), each section under its name; "" when nothing changes. `notes`: worth knowing, in the way of nothing. */
export type Merged = { text: string; diff: string; notes: string[] };
/** Why it cannot be done without touching what is others', one finding a line of text. */
export type Refusal = { refused: string[] };

const OPTIONS = { allowTrailingComma: true, disallowComments: false, allowEmptyContent: false };
const TAGS = [SHIP_TAG, CAPTAIN_TAG];

/**
 * A tailnet's policy (HuJSON) with our rules in it: as it is, if they are there; put in; or others of ours in the place of those that were. Everything
 * else stays byte for byte. `allowOpen`: rules of others that open the tailnet to ships are a note, not a refusal.
 */
export function mergePolicy(text: string, rules: Rules, { allowOpen = false } = {}): Merged | Refusal {
  const taken = takeOut(text);
  if ("refused" in taken) return taken;
  const { base, blocks, root } = taken;
  const owned = ownedTags(root);
  const open = openings(root);
  const refused = [...owned, ...(allowOpen ? [] : open)];
  if (refused.length > 0) return { refused };

  const pieces = Object.entries(rules).map(([section, content]) => piece(section, content, root));
  const merged = insert(base, pieces);
  const wanted = findBlocks(merged).blocks;
  const notes = [...(allowOpen ? open : []), ...ways(root)];
  // Where a person has put something before our block, or an editor has set blanks anew, it stays as it is.
  if (isDeepStrictEqual(digests(blocks), digests(wanted)) && holds(jsonc.parse(text, [], OPTIONS), rules))
    return { text, diff: "", notes };
  return { text: merged, diff: difference(blocks, wanted) || "(ocaptain's rules go back to where they belong)", notes };
}

const digests = (blocks: readonly Block[]) => blocks.map(({ digest }) => digest).sort();

/** Are these rules in a policy, in their sections? */
function holds(policy: Record<string, unknown>, rules: Rules): boolean {
  const at = (name: string) => Object.entries(policy).find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1] ?? {};
  return Object.entries(rules).every(([name, content]) =>
    Array.isArray(content)
      ? content.every((rule) => Object.values(at(name)).some((one) => isDeepStrictEqual(one, rule)))
      : Object.entries(content).every(([key, value]) => isDeepStrictEqual((at(name) as Record<string, unknown>)[key], value)),
  );
}

/** The policy without our rules, as it was before they came. */
export function unmergePolicy(text: string): Merged | Refusal {
  const taken = takeOut(text);
  return "refused" in taken ? taken : { text: taken.base, diff: difference(taken.blocks, []), notes: [] };
}

/** The whole policy of a Headscale that is for ocaptain alone. */
export function renderHeadscalePolicy(captains: readonly string[]): string {
  const merged = mergePolicy("{\n}\n", policyRules("headscale", captains));
  if ("refused" in merged) throw new Error(merged.refused.join("\n"));
  return merged.text;
}

function takeOut(text: string): { base: string; blocks: Block[]; root: jsonc.Node } | Refusal {
  const errors: jsonc.ParseError[] = [];
  const root = jsonc.parseTree(text, errors, OPTIONS);
  if (errors[0]) return { refused: [`line ${lineOf(text, errors[0].offset)}: ${jsonc.printParseErrorCode(errors[0].error)}`] };
  if (root?.type !== "object") return { refused: ["the policy is no object"] };
  const { blocks, broken } = findBlocks(text);
  if (broken !== null)
    return { refused: [`line ${broken}: one end of what ocaptain wrote is missing: take out what is left of it`] };
  const touched = blocks.filter((block) => !isUntouched(block));
  if (touched.length > 0)
    return {
      refused: touched.map(
        ({ line }) =>
          `line ${line}: what ocaptain wrote there was changed by hand: take it out, comments and all, and write what you want beside it`,
      ),
    };
  const base = withoutBlocks(text, blocks);
  const left = jsonc.parseTree(base, [], OPTIONS);
  if (left?.type !== "object") return { refused: ["what is left without ocaptain's rules is no policy"] };
  const twice = sections(left)
    .map(([name]) => name)
    .filter((name, index, all) => all.indexOf(name) !== index);
  return twice.length > 0 ? { refused: twice.map((name) => `section "${name}" is there twice`) } : { base, blocks, root: left };
}

/** Names are read as the services read them: without regard to case (`ACLs`, `Grants`). */
const sections = (root: jsonc.Node): [string, jsonc.Node][] =>
  (root.children ?? []).flatMap(({ children }) => {
    const [key, value] = children ?? [];
    return key && value ? [[String(key.value).toLowerCase(), value] as [string, jsonc.Node]] : [];
  });
const section = (root: jsonc.Node, name: string) => sections(root).find(([key]) => key === name.toLowerCase())?.[1];

/** Where a section's block goes, and its text: behind the section's bracket, else as a section of its own behind the policy's. */
function piece(name: string, content: Rules["ssh"] & object, root: jsonc.Node): { at: number; text: string } {
  const entries = Array.isArray(content)
    ? content.map((entry) => `${flat(entry)},`)
    : Object.entries(content).map(([key, value]) => `${JSON.stringify(key)}: ${flat(value)},`);
  const there = section(root, name);
  if (there) return { at: there.offset + 1, text: blockText(entries, "\t\t") };
  const [left, right] = Array.isArray(content) ? ["[", "]"] : ["{", "}"];
  const lines = [`${JSON.stringify(name)}: ${left}`, ...entries.map((entry) => `\t${entry}`), `${right},`];
  return { at: root.offset + 1, text: blockText(lines, "\t") };
}

/** JSON on one line, with a space where people put one. */
const flat = (value: unknown) =>
  JSON.stringify(value, null, 1)
    .replace(/\n\s*/g, " ")
    .replace(/([[{]) | ([\]}])/g, "$1$2");

function ownedTags(root: jsonc.Node): string[] {
  const owners = section(root, "tagOwners");
  const tags = (owners?.children ?? []).map(({ children }) => String(children?.[0]?.value));
  const owned = tags
    .filter((tag) => TAGS.includes(tag))
    .map((tag) => `tagOwners has ${tag} already, and ocaptain did not write it: take it out, or give it another name`);
  const wrong = Object.keys(SHAPES).filter((name) => section(root, name) && section(root, name)?.type !== SHAPES[name]);
  return [...owned, ...wrong.map((name) => `section "${name}" is no ${SHAPES[name]}`)];
}
const SHAPES: Record<string, string> = { tagOwners: "object", grants: "array", acls: "array", ssh: "array" };

type Rule = { at: string; src: string[]; dst: string[] };

/** Rules of others, in old words (`users`, `ports`) too. */
function rulesOf(root: jsonc.Node): Rule[] {
  return ["grants", "acls", "ssh"].flatMap((name) =>
    (section(root, name)?.children ?? []).map((child, index) => {
      const rule = (jsonc.getNodeValue(child) ?? {}) as Record<string, unknown>;
      const list = (...keys: string[]) => keys.flatMap((key) => rule[key] ?? []).map(String);
      return { at: `${name}[${index}]`, src: list("src", "users", "Src", "Users"), dst: list("dst", "ports", "Dst", "Ports") };
    }),
  );
}

/** With these a ship reaches more than the helm. */
const OPEN_TO_SHIPS = ["*", SHIP_TAG, "autogroup:tagged", "0.0.0.0/0", "100.64.0.0/10"];

function openings(root: jsonc.Node): string[] {
  const why = `so ships reach more than a captain's port ${HELM_PORT}`;
  const help = `let it begin at people ("src": ["autogroup:member"]), or set home-port:allowOpen`;
  return rulesOf(root)
    .filter(({ at }) => !at.startsWith("ssh"))
    .flatMap(({ at, src }) =>
      src.filter((from) => OPEN_TO_SHIPS.includes(from)).map((from) => `${at} is for "${from}", ${why}: ${help}`),
    );
}

/** Other ways to a ship: its captain's business. */
const ways = (root: jsonc.Node): string[] =>
  rulesOf(root)
    .filter(
      ({ src, dst }) =>
        !src.some((from) => OPEN_TO_SHIPS.includes(from)) && dst.some((to) => to.startsWith("*") || to.startsWith(SHIP_TAG)),
    )
    .map(({ at }) => `${at}, which is not ocaptain's, leads to ships too`);

function difference(before: readonly Block[], after: readonly Block[]): string {
  const lines = (blocks: readonly Block[]) => blocks.flatMap(({ body }) => body.split("\n").filter((line) => line.trim()));
  const [old, wanted] = [lines(before), lines(after)];
  const gone = old.filter((line) => !wanted.includes(line)).map((line) => `- ${line.trim()}`);
  const come = wanted.filter((line) => !old.includes(line)).map((line) => `+ ${line.trim()}`);
  return [...gone, ...come].join("\n");
}

const lineOf = (text: string, offset: number) => text.slice(0, offset).split("\n").length;
