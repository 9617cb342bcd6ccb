import { SaxesParser } from "saxes";

/** An element of a small XML document, such as what `svn --xml` writes. */
export interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly XmlElement[];
  readonly text: string;
}

interface Open {
  name: string;
  attributes: Record<string, string>;
  children: XmlElement[];
  text: string;
}

/** Reads a whole document; undefined if it is none. No entity is known but the five of XML itself. */
export function parseXml(text: string): XmlElement | undefined {
  const root: Open = { name: "", attributes: {}, children: [], text: "" };
  const open = [root];
  const parser = new SaxesParser({ xmlns: false });
  let isBroken = false;
  parser.on("error", () => {
    isBroken = true;
  });
  parser.on("opentag", ({ name, attributes }) => {
    const element: Open = { name, attributes: { ...attributes }, children: [], text: "" };
    open.at(-1)?.children.push(element);
    open.push(element);
  });
  parser.on("closetag", () => void open.pop());
  parser.on("text", (piece) => {
    const top = open.at(-1);
    if (top !== undefined) top.text += piece;
  });
  parser.write(text).close();
  return isBroken ? undefined : root.children[0];
}

/** All elements of that name below another, at any depth. */
export function findAll(element: XmlElement | undefined, name: string): XmlElement[] {
  if (element === undefined) return [];
  return element.children.flatMap((child) => [...(child.name === name ? [child] : []), ...findAll(child, name)]);
}

/** The text of the first child of that name; undefined if there is none. */
export function textOf(element: XmlElement | undefined, name: string): string | undefined {
  return element?.children.find((child) => child.name === name)?.text;
}
