/** A text that must not show, and the name that stands instead. */
export interface Hidden {
  readonly name: string;
  /** Without line breaks and escape sequences: those may be anywhere, for programs and terminals wrap and colour. */
  readonly text: string;
}

/** A secret of several lines is also known by each of them that is longer than this and no mere header. */
const shortLine = 8;
/** An encoded form that is shorter may well be an innocent word. */
const shortForm = 8;

/** Secrets as programs print them: as they are, line by line, in base64, in URLs and in quotes. */
export function listHidden(secrets: readonly (readonly [name: string, value: string])[]): Hidden[] {
  const byText = new Map<string, Hidden>();
  for (const [name, value] of secrets) {
    const lines = value.split(/[\r\n]+/);
    const long = lines.length > 1 ? lines.filter((line) => line.length > shortLine && !line.startsWith("---")) : [];
    const forms = [value, value.replace(/[\r\n]+$/, "")].flatMap((text) => [...base64Forms(text), ...urlForms(text)]);
    const quoted = [value, ...long].flatMap(quotedForms);
    const texts = [value, ...long, ...forms.filter((form) => form.length >= shortForm), ...quoted];
    for (const text of texts.map(withoutBreaks)) if (text !== "" && !byText.has(text)) byText.set(text, { name, text });
  }
  return [...byText.values()];
}

/** In base64 a text looks otherwise by how many bytes of others stand before it; what depends on its neighbours is left out. */
function base64Forms(text: string): string[] {
  return [0, 1, 2].flatMap((before) => {
    const encoded = Buffer.concat([Buffer.alloc(before), Buffer.from(text)])
      .toString("base64")
      .replace(/=+$/, "");
    const own = encoded.slice(before === 0 ? 0 : before + 1, Math.floor(((before + Buffer.byteLength(text)) * 8) / 6));
    return [own, own.replaceAll("+", "-").replaceAll("/", "_")];
  });
}

const hexCode = (char: string) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`;

function urlForms(text: string): string[] {
  // A half of a pair has no form in URLs.
  const encoded = encodeURIComponent(text.replace(/\p{Surrogate}/gu, "\ufffd"));
  const strict = encoded.replace(/[!'()*]/g, hexCode);
  // Some leave "~" as it is and some do not; Java leaves "*".
  const java = encoded.replace(/[!'()~]/g, hexCode).replaceAll("%20", "+");
  const plain = [encoded, strict, strict.replaceAll("~", "%7E"), java];
  const forms = [...plain, ...plain.map((form) => form.replaceAll("%20", "+")), asPassword(text)];
  // In a path a slash stays one: many programs leave it so everywhere.
  const all = forms.flatMap((form) => [form, form.replaceAll("%2F", "/")]);
  return [...new Set(all)].flatMap((form) => [form, form.replace(/%../g, (code) => code.toLowerCase())]);
}

/** As it stands between the quotes of JSON, of a shell that shows its commands, and of XML. */
function quotedForms(text: string): string[] {
  const xml = text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  const attribute = xml.replaceAll('"', "&quot;");
  const forms = [JSON.stringify(text).slice(1, -1), text.replaceAll("'", String.raw`'\''`), xml, attribute];
  return [...forms, attribute.replaceAll("'", "&apos;"), attribute.replaceAll("'", "&#39;")];
}

/** As browsers and their kin write it before the host, where more characters may stand than in a query. */
function asPassword(text: string): string {
  const url = new URL("http://user@host");
  url.password = text;
  return url.password;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one
const breaks = /[\r\n]|\u001b\[[0-?]*[ -/]*[@-~]/g;

const withoutBreaks = (text: string) => text.replace(breaks, "") || text.replace(/[\r\n]/g, "");
