import { isDeepStrictEqual } from "node:util";
import jsonc from "jsonc-parser";
import { SHIP_TAG } from "../control/types.ts";
import { section } from "./policy-blocks.ts";
import { HELM_PORT } from "./policy-rules.ts";

/** Names, in sentences, the sections to which we cannot add because of their shape. */
export function wrongShapes(root: jsonc.Node): string[] {
  const wrong = Object.keys(SHAPES).filter((name) => section(root, name) && section(root, name)?.type !== SHAPES[name]);
  return wrong.map((name) => `section "${name}" is no ${SHAPES[name]}`);
}
const SHAPES: Record<string, string> = { tagOwners: "object", grants: "array", acls: "array", ssh: "array" };

type Rule = { at: string; rule: object; src: string[]; dst: string[] };

/** The rules of a policy, those in the older words (`users`, `ports`) too. */
function rulesOf(root: jsonc.Node): Rule[] {
  return ["grants", "acls", "ssh"].flatMap((name) =>
    (section(root, name)?.children ?? []).map((child, index) => {
      const rule: Record<string, unknown> = { ...jsonc.getNodeValue(child) };
      const list = (...keys: string[]) => keys.flatMap((key) => rule[key] ?? []).map(String);
      return {
        at: `${name}[${index}]`,
        rule,
        src: list("src", "users", "Src", "Users"),
        dst: list("dst", "ports", "Dst", "Ports"),
      };
    }),
  );
}

/** Sources that include ships: with a rule for one of them a ship reaches more than the helm. */
const OPEN_TO_SHIPS = [
  ...["*", SHIP_TAG, "autogroup:tagged", "autogroup:danger-all"],
  ...["0.0.0.0/0", "100.64.0.0/10", "::/0", "fd7a:115c:a1e0::/48"],
];

/**
 * Names, in sentences, the rules that let ships reach more than the helm. `but` are rules that are ours, whoever wrote
 * them.
 */
export function openings(root: jsonc.Node, but: readonly object[] = []): string[] {
  const why = `so ships reach more than a captain's port ${HELM_PORT}`;
  const help = `let it begin at people ("src": ["autogroup:member"]), or set home-port:allowOpen`;
  return rulesOf(root)
    .filter(({ at, rule }) => !at.startsWith("ssh") && !but.some((one) => isDeepStrictEqual(one, rule)))
    .flatMap(({ at, src }) =>
      src.filter((from) => OPEN_TO_SHIPS.includes(from)).map((from) => `${at} is for "${from}", ${why}: ${help}`),
    );
}

/** Names, in sentences, the other rules by which machines reach a ship. They are the captain's business. */
export const ways = (root: jsonc.Node): string[] =>
  rulesOf(root)
    .filter(
      ({ src, dst }) =>
        !src.some((from) => OPEN_TO_SHIPS.includes(from)) && dst.some((to) => to.startsWith("*") || to.startsWith(SHIP_TAG)),
    )
    .map(({ at }) => `${at}, which is not ocaptain's, leads to ships too`);
