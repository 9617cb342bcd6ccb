/** A part of a text. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

interface Link extends Range {
  readonly href: string;
}

/** Where the files of the built revision can be read, at a forge. */
export interface SourceAddress {
  readonly files: string;
  /** How the forge names a line: `#L`. */
  readonly line: string;
}

/** Where the files of a revision are, by the address of the revision's page; undefined for a forge of another form. */
export function sourceAddressOf(revlink: string | null | undefined): SourceAddress | undefined {
  const match = /^(https?:\/\/[^?#]+?)\/(-\/)?commits?\/([0-9a-f]{7,64})\/?$/.exec(revlink ?? "");
  return match ? { files: `${match[1]}/${match[2] ?? ""}blob/${match[3]}/`, line: "#L" } : undefined;
}

/** Lines longer than this have no links: they are data, not text for readers. */
const longestLine = 5_000;

/** The web addresses in a text and, if the address of the source is known, the files with a line: `src/a.ts:12`. */
export function findLinks(text: string, source: SourceAddress | undefined): Link[] {
  if (text.length > longestLine) return [];
  const links: Link[] = [];
  if (text.includes("://"))
    for (const match of text.matchAll(/\bhttps?:\/\/[^\s<>"'`]+/g)) {
      const href = withoutPunctuation(match[0]);
      if (URL.canParse(href)) links.push({ from: match.index, to: match.index + href.length, href });
    }
  if (source === undefined || !text.includes(":")) return links;
  for (const match of text.matchAll(
    /(?:^|[\s("'`[])((?:\.\/)?(?:[\w@+-][\w.@+-]*\/)*[\w@+-][\w.@+-]*\.[A-Za-z]\w{0,9}):(\d{1,7})(?::\d{1,5})?/g,
  )) {
    const [whole, name = "", line = ""] = match;
    const from = match.index + whole.indexOf(name);
    const to = match.index + whole.length;
    if (links.some((other) => from < other.to && other.from < to)) continue;
    const path = name.replace(/^\.\//, "").split("/").map(encodeURIComponent).join("/");
    links.push({ from, to, href: `${source.files}${path}${source.line}${line}` });
  }
  return links;
}

const openingOf: Readonly<Record<string, string>> = { ")": "(", "]": "[", "}": "{" };

/** An address at the end of a sentence, or in brackets, does not have what follows it. */
function withoutPunctuation(href: string): string {
  /** By closing bracket: how many more of it there are than of the opening one. */
  const excess = new Map(
    Object.entries(openingOf).map(([closing, opening]) => [closing, count(href, closing) - count(href, opening)]),
  );
  let end = href.length;
  for (; end > 0; end -= 1) {
    const last = href[end - 1] ?? "";
    const closed = excess.get(last) ?? 0;
    if (closed > 0) excess.set(last, closed - 1);
    else if (!".,;:!?".includes(last)) break;
  }
  return href.slice(0, end);
}

const count = (text: string, part: string) => text.split(part).length - 1;
