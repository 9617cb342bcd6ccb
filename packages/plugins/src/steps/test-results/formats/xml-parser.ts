import { SaxesParser, type SaxesTagPlain } from "saxes";
import { BadReport, longestName } from "./reported-test.ts";

/** What an XML file consists of, as it is read. */
export interface XmlHandler {
  begin(tag: SaxesTagPlain): void;
  /** The name as the file has it. */
  end(name: string): void;
  text(text: string): void;
}

/**
 * A parser that calls the handler, and throws BadReport for what is not XML. No entity is known but the five of XML itself, so
 * that none expands and none is fetched.
 */
export function createXmlParser(handler: XmlHandler): Pick<SaxesParser, "write" | "close"> {
  const parser = new SaxesParser({ xmlns: false });
  parser.on("error", (error) => {
    throw new BadReport(`it is not XML (${error.message.slice(0, longestName)})`);
  });
  parser.on("opentag", (tag) => handler.begin(tag));
  parser.on("closetag", ({ name }) => handler.end(name));
  parser.on("text", (text) => handler.text(text));
  parser.on("cdata", (text) => handler.text(text));
  return parser;
}
