/** Targets take no half of a pair; a whole pair does not match. */
const whole = (text: string) => text.replaceAll(/\p{Cs}/gu, "\ufffd");

/** As much of a text as its reader takes; a character of two halves is kept or left out as a whole. */
export function cutText(text: string, longest: number): string {
  if (text.length <= longest) return whole(text);
  return whole(`${text.slice(0, Math.max(0, longest - 1)).replace(/[\uD800-\uDBFF]$/, "")}…`);
}

/** The same of its end, as of a log: from the beginning of a line, if there is one soon. */
export function cutFront(text: string, longest: number): string {
  if (text.length <= longest) return whole(text);
  if (longest <= 1) return "…";
  const end = text.slice(1 - longest).replace(/^[\uDC00-\uDFFF]/, "");
  const line = end.indexOf("\n");
  return whole(`…${line >= 0 && line < end.length / 2 ? end.slice(line) : end}`);
}
