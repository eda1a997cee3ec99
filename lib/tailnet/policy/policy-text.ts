import type jsonc from "jsonc-parser";

/** HuJSON: JSON with comments and last commas. */
export const OPTIONS = { allowTrailingComma: true, disallowComments: false, allowEmptyContent: false };

/** Names are read as the services read them: without regard to case (`ACLs`, `Grants`). */
export const sections = (root: jsonc.Node): [string, jsonc.Node][] =>
  (root.children ?? []).flatMap(({ children }) => {
    const [key, value] = children ?? [];
    return key && value ? [[String(key.value).toLowerCase(), value] as [string, jsonc.Node]] : [];
  });
export const section = (root: jsonc.Node, name: string) => sections(root).find(([key]) => key === name.toLowerCase())?.[1];
