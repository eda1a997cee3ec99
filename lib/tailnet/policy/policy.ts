import { isDeepStrictEqual } from "node:util";
import jsonc from "jsonc-parser";
import { CAPTAIN_TAG, SHIP_TAG } from "../control/types.ts";
import {
  type Block,
  blockText,
  findBlocks,
  HUJSON,
  insert,
  isUntouched,
  section,
  sections,
  withoutBlocks,
} from "./policy-blocks.ts";
import { openings, ways, wrongShapes } from "./policy-others.ts";
import { policyRules, type Rules } from "./policy-rules.ts";

/**
 * A policy that was changed. `diff` has the lines that come (`+`) and go (`-`), "" when nothing changes; `notes` are
 * worth knowing, and hinder nothing.
 */
export type MergedPolicy = { text: string; diff: string; notes: string[] };
/** Why a policy cannot be changed without touching what others wrote, one finding a line. */
export type PolicyRefusal = { refused: string[] };

const TAGS = [SHIP_TAG, CAPTAIN_TAG];

/**
 * A tailnet's policy (HuJSON) with our rules in it: unchanged if they are there, else with the rules put in, or put in
 * the place of earlier ones. Everything else stays byte for byte. With `allowOpen`, rules of others that open the
 * tailnet to ships are a note, not a refusal.
 */
export function mergePolicy(text: string, rules: Rules, { allowOpen = false } = {}): MergedPolicy | PolicyRefusal {
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
  // The policy stays as it is where a person has put something before our block, or an editor has set blanks anew.
  if (isDeepStrictEqual(digests(blocks), digests(wanted)) && holds(jsonc.parse(text, [], HUJSON), rules))
    return { text, diff: "", notes };
  return { text: merged, diff: difference(blocks, wanted) || "(ocaptain's rules go back to where they belong)", notes };
}

const digests = (blocks: readonly Block[]) => blocks.map(({ digest }) => digest).sort();

/** Whether a policy has these rules, in their sections. */
function holds(policy: Record<string, unknown>, rules: Rules): boolean {
  const at = (name: string) => Object.entries(policy).find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1] ?? {};
  return Object.entries(rules).every(([name, content]) =>
    Array.isArray(content)
      ? content.every((rule) => Object.values(at(name)).some((one) => isDeepStrictEqual(one, rule)))
      : Object.entries(content).every(([key, value]) => isDeepStrictEqual((at(name) as Record<string, unknown>)[key], value)),
  );
}

/** A policy without our rules, as it was before they came. */
export function unmergePolicy(text: string): MergedPolicy | PolicyRefusal {
  const taken = takeOut(text);
  return "refused" in taken ? taken : { text: taken.base, diff: difference(taken.blocks, []), notes: [] };
}

/** The whole policy of a Headscale that is for ocaptain alone. */
export function renderHeadscalePolicy(captains: readonly string[]): string {
  const merged = mergePolicy("{\n}\n", policyRules("headscale", captains));
  if ("refused" in merged) throw new Error(merged.refused.join("\n"));
  return merged.text;
}

function takeOut(text: string): { base: string; blocks: Block[]; root: jsonc.Node } | PolicyRefusal {
  const errors: jsonc.ParseError[] = [];
  const root = jsonc.parseTree(text, errors, HUJSON);
  if (errors[0]) return { refused: [`line ${lineOf(text, errors[0].offset)}: ${jsonc.printParseErrorCode(errors[0].error)}`] };
  if (root?.type !== "object") return { refused: ["the policy is not an object ({ … })"] };
  const { blocks, broken } = findBlocks(text);
  if (broken !== null)
    return { refused: [`line ${broken}: one end of what ocaptain wrote is missing: take out what is left of it`] };
  const touched = blocks.filter((block) => !isUntouched(block));
  if (touched.length > 0)
    return {
      refused: touched.map(
        ({ line }) =>
          `line ${line}: what ocaptain wrote there was changed by hand: delete it together with its two comments, and write what you want beside it`,
      ),
    };
  const base = withoutBlocks(text, blocks);
  const left = jsonc.parseTree(base, [], HUJSON);
  if (left?.type !== "object") return { refused: ["what is left without ocaptain's rules is no policy"] };
  const twice = sections(left)
    .map(([name]) => name)
    .filter((name, index, all) => all.indexOf(name) !== index);
  return twice.length > 0 ? { refused: twice.map((name) => `section "${name}" is there twice`) } : { base, blocks, root: left };
}

/**
 * The place and the text of a section's block: after the section's bracket, else as a new section after the policy's.
 */
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

/**
 * Checks whether a policy does what voyages need, whoever wrote it. The owners of the ships' tag count as captains.
 * `piece` is what is missing, as text to paste, "" when nothing is; `problems` say why that is not known, or what lets
 * ships reach more.
 */
export function checkPolicy(text: string, dialect: "tailscale" | "headscale"): { piece: string; problems: string[] } {
  const errors: jsonc.ParseError[] = [];
  const root = jsonc.parseTree(text, errors, HUJSON);
  if (errors[0] || root?.type !== "object") return { piece: "", problems: ["the policy cannot be read"] };
  const shapes = wrongShapes(root);
  if (shapes.length > 0) return { piece: "", problems: shapes };
  const { blocks } = findBlocks(text);
  const owners = jsonc.getNodeValue(section(root, "tagOwners") ?? root)[SHIP_TAG];
  const rules = policyRules(dialect, Array.isArray(owners) ? owners : []);
  const policy = jsonc.parse(text, [], HUJSON);
  const missing = Object.entries(rules).filter(([name, content]) => !holds(policy, { [name]: content }));
  const piece = missing.map(([name, content]) => `"${name}": ${JSON.stringify(content, null, 2)},`).join("\n");
  const theirs = jsonc.parseTree(withoutBlocks(text, blocks), [], HUJSON);
  const ours = Object.values(rules).flatMap((content) => (Array.isArray(content) ? content : []));
  return { piece, problems: theirs ? openings(theirs, ours) : [] };
}

function ownedTags(root: jsonc.Node): string[] {
  const owners = section(root, "tagOwners");
  const tags = (owners?.children ?? []).map(({ children }) => String(children?.[0]?.value));
  const owned = tags
    .filter((tag) => TAGS.includes(tag))
    .map((tag) => `tagOwners has ${tag} already, and ocaptain did not write it: take it out, or give it another name`);
  return [...owned, ...wrongShapes(root)];
}

/** The lines of blocks that come and go. */
function difference(before: readonly Block[], after: readonly Block[]): string {
  const lines = (blocks: readonly Block[]) => blocks.flatMap(({ body }) => body.split("\n").filter((line) => line.trim()));
  const [old, wanted] = [lines(before), lines(after)];
  const gone = old.filter((line) => !wanted.includes(line)).map((line) => `- ${line.trim()}`);
  const come = wanted.filter((line) => !old.includes(line)).map((line) => `+ ${line.trim()}`);
  return [...gone, ...come].join("\n");
}

const lineOf = (text: string, offset: number) => text.slice(0, offset).split("\n").length;
