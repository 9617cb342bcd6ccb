/** A piece of a line in one style. */
export interface Span {
  readonly text: string;
  /** Classes of the style sheet: `fg-1`, `bg-12`, `bold`, … */
  readonly classes: string;
  /** A colour beyond the sixteen that have a name. */
  readonly colour?: string;
  readonly background?: string;
}

interface Style {
  fg?: string;
  bg?: string;
  readonly flags: Set<string>;
}

const flagNames: Readonly<Record<number, string>> = { 1: "bold", 2: "dim", 3: "italic", 4: "underline", 7: "inverse" };

/**
 * Colours (CSI … m) are kept; other control sequences move a cursor that a log does not have, or name a window. Written as
 * text, since the linter rightly rejects control characters in an expression.
 */
const sequence = new RegExp(
  [
    String.raw`\x1b\[([0-9;:]*)m`,
    String.raw`\x1b\[[0-?]*[ -/]*[@-~]`,
    String.raw`\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)`,
    String.raw`\x1b[@-Z\\-_]`,
    String.raw`[\x00-\x08\x0b-\x1f]`,
  ].join("|"),
  "g",
);

/** Splits a line of terminal output into spans. A carriage return starts the line again, as a terminal shows it. */
export function parseAnsi(line: string): Span[] {
  const shown = lastRewrite(line);
  const spans: Span[] = [];
  const style: Style = { flags: new Set() };
  let at = 0;
  const push = (text: string) => {
    if (text !== "") spans.push(makeSpan(text, style));
  };
  for (const match of shown.matchAll(sequence)) {
    push(shown.slice(at, match.index));
    at = match.index + match[0].length;
    if (match[1] !== undefined) applyCodes(style, match[1].split(/[;:]/).map(Number));
  }
  push(shown.slice(at));
  return spans;
}

/** The text alone, for searching and copying. */
export function stripAnsi(line: string): string {
  return lastRewrite(line).replace(sequence, "");
}

function lastRewrite(line: string): string {
  let end = line.length;
  while (line[end - 1] === "\r") end -= 1;
  return line.slice(line.lastIndexOf("\r", end - 1) + 1, end);
}

function makeSpan(text: string, style: Style): Span {
  const names = [...style.flags];
  // Inverse text swaps its two colours; those without a name are the ones of the log itself (class `inverse`).
  const [fg, bg] = style.flags.has("inverse") ? [style.bg, style.fg] : [style.fg, style.bg];
  if (fg !== undefined && !fg.startsWith("#")) names.push(`fg-${fg}`);
  if (bg !== undefined && !bg.startsWith("#")) names.push(`bg-${bg}`);
  return {
    text,
    classes: names.join(" "),
    ...(fg?.startsWith("#") ? { colour: fg } : {}),
    ...(bg?.startsWith("#") ? { background: bg } : {}),
  };
}

function applyCodes(style: Style, codes: readonly number[]): void {
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i] ?? 0;
    if (code === 0) {
      delete style.fg;
      delete style.bg;
      style.flags.clear();
    } else if (flagNames[code]) style.flags.add(flagNames[code]);
    else if (code === 22) {
      style.flags.delete("bold");
      style.flags.delete("dim");
    } else if (code > 22 && code < 30) style.flags.delete(flagNames[code - 20] ?? "");
    else if (code >= 30 && code <= 37) style.fg = String(code - 30);
    else if (code >= 90 && code <= 97) style.fg = String(code - 82);
    else if (code >= 40 && code <= 47) style.bg = String(code - 40);
    else if (code >= 100 && code <= 107) style.bg = String(code - 92);
    else if (code === 39) delete style.fg;
    else if (code === 49) delete style.bg;
    else if (code === 38 || code === 48) {
      const [colour, used] = readColour(codes.slice(i + 1));
      if (colour !== undefined) style[code === 38 ? "fg" : "bg"] = colour;
      i += used;
    }
  }
}

/** `5;n` of 256 colours, or `2;r;g;b`; also returns how many numbers that took. */
function readColour([kind, a = 0, b = 0, c = 0]: readonly number[]): [colour: string | undefined, used: number] {
  if (kind === 2) return [hex(a, b, c), 4];
  if (kind !== 5) return [undefined, 0];
  if (a < 16) return [String(a), 2];
  if (a > 231) return [hex(8 + (a - 232) * 10, 8 + (a - 232) * 10, 8 + (a - 232) * 10), 2];
  const level = (n: number) => (n === 0 ? 0 : 55 + n * 40);
  const n = a - 16;
  return [hex(level(Math.floor(n / 36)), level(Math.floor(n / 6) % 6), level(n % 6)), 2];
}

function hex(...parts: readonly number[]): string {
  return `#${parts.map((part) => Math.min(255, part).toString(16).padStart(2, "0")).join("")}`;
}
