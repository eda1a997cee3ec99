/** An element of a document: its name, its attributes and what is in it. */
export type Element = { name: string; attributes: Record<string, string>; children: (Element | string)[] };

const NAME = "[A-Za-z_:][-A-Za-z0-9._:]*";
const OPENING = new RegExp(`^<(${NAME})((?:\\s+${NAME}="[^"<]*")*)\\s*(/?)>`);
const CLOSING = new RegExp(`^</(${NAME})\\s*>`);
const ATTRIBUTE = new RegExp(`\\s+(${NAME})="([^"]*)"`, "g");
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what no XML may hold
const NO_XML = /[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/;
const ENTITIES: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

/**
 * Reads a document as strictly as XML 1.0 wants it: every element is closed in its order, every attribute is quoted and
 * is there once, every `&` begins an entity, and no character is one that XML may not hold. It knows no comments, no
 * CDATA and no processing instructions, as what it reads has none.
 * @throws Error that says where it is not well formed
 */
export function readStrictXml(text: string): Element {
  const wrong = (why: string, at: number) => new Error(`${why} at ${at}: ${JSON.stringify(text.slice(at, at + 80))}`);
  const bad = NO_XML.exec(text);
  if (bad) throw wrong("a character that XML may not hold", bad.index);
  if (!text.isWellFormed()) throw wrong("half of a character", 0);
  let at = /^<!DOCTYPE html>\s*/.exec(text)?.[0].length ?? 0;
  const root: Element = { name: "", attributes: {}, children: [] };
  const open = [root];
  while (at < text.length) {
    const inside = open.at(-1)!;
    if (text[at] !== "<") {
      const end = text.indexOf("<", at);
      inside.children.push(unescaped(text.slice(at, end < 0 ? undefined : end), at));
      at = end < 0 ? text.length : end;
      continue;
    }
    const rest = text.slice(at, at + 100_000);
    const closing = CLOSING.exec(rest);
    const opening = closing ? null : OPENING.exec(rest);
    if (closing) {
      if (open.length === 1 || inside.name !== closing[1]) throw wrong(`</${closing[1]}> closes <${inside.name}>`, at);
      open.pop();
    } else if (opening) {
      const element: Element = { name: opening[1]!, attributes: attributesOf(opening[2]!, at), children: [] };
      inside.children.push(element);
      if (opening[3] === "") open.push(element);
    } else throw wrong("no tag", at);
    at += (closing ?? opening)![0].length;
  }
  if (open.length > 1) throw wrong(`<${open.at(-1)!.name}> is not closed`, at);
  const [only, ...others] = root.children.filter((child) => typeof child !== "string" || child.trim() !== "");
  if (typeof only !== "object" || others.length > 0) throw wrong("not one element", 0);
  return only;

  function attributesOf(written: string, where: number): Record<string, string> {
    const found: Record<string, string> = {};
    for (const [, name, value] of written.matchAll(ATTRIBUTE)) {
      if (name! in found) throw wrong(`${name} twice`, where);
      found[name!] = unescaped(value!, where);
    }
    return found;
  }

  function unescaped(written: string, where: number): string {
    if (written.includes("]]>")) throw wrong("an end of CDATA", where);
    return written.replace(/&([^;]*);?/g, (whole, name: string) => {
      const code = /^#(\d+)$/.exec(name)?.[1];
      const known = code ? String.fromCodePoint(Number(code)) : ENTITIES[name];
      if (known === undefined || !whole.endsWith(";")) throw wrong(`the entity ${whole.slice(0, 20)}`, where);
      return known;
    });
  }
}

/** All elements of a document, in their order. */
export const elementsOf = (element: Element): Element[] => [
  element,
  ...element.children.flatMap((child) => (typeof child === "string" ? [] : elementsOf(child))),
];

/** All the text in an element. */
export const textOf = (element: Element): string =>
  element.children.map((child) => (typeof child === "string" ? child : textOf(child))).join("");
