import { type RestAnswer, sortedJson } from "@multimaster/data";

/** Marks the position of the streamed part; no value of the API is this text. */
const marker = "\u0000streamed\u0000";

/** Yields the envelope with the long text inserted piece by piece. */
export async function* wrapText(
  answer: RestAnswer & { kind: "lines" },
  indent: number | undefined,
): AsyncGenerator<string> {
  const envelope = sortedJson({ [answer.plural]: [{ ...answer.item, [answer.field]: marker }], meta: {} }, indent);
  const [before, after] = envelope.split(JSON.stringify(marker).slice(1, -1)) as [string, string];
  yield before;
  for await (const text of answer.text) yield JSON.stringify(text).slice(1, -1);
  yield after;
}

/** Yields the envelope with the pages of a long list inserted one after the other. */
export async function* wrapPages(
  answer: RestAnswer & { kind: "pages" },
  indent: number | undefined,
): AsyncGenerator<string> {
  const envelope = sortedJson({ [answer.plural]: [marker], meta: { total: answer.total } }, indent);
  const [before, after] = envelope.split(JSON.stringify(marker)) as [string, string];
  const separator = indent === undefined ? "," : `,\n${" ".repeat(indent * 2)}`;
  yield before;
  let isFirst = true;
  for await (const page of answer.pages) {
    const items = page.map((item) => indentMore(sortedJson(item, indent), indent));
    if (items.length > 0) yield (isFirst ? "" : separator) + items.join(separator);
    isFirst = false;
  }
  yield after;
}

/** Lines of an item are indented two more levels in the envelope. */
function indentMore(json: string, indent: number | undefined): string {
  return indent === undefined ? json : json.replaceAll("\n", `\n${" ".repeat(indent * 2)}`);
}
