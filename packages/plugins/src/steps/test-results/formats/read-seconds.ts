/** No test takes longer than this: the value has another unit, or is a point in time. */
const longest = 366 * 24 * 3600;

/**
 * Parses seconds in the notations of various programs: with commas or points between thousands, or with a decimal comma.
 * Null if the value is ambiguous (`1,250`), negative, or absurd: no value is better than one wrong by a factor of 1000.
 */
export function readSeconds(text: string | undefined): number | null {
  const given = text?.slice(0, 50).trim() ?? "";
  const plain = toPlain(given);
  if (plain === undefined) return null;
  const seconds = Number(plain);
  return Number.isFinite(seconds) && seconds >= 0 && seconds <= longest ? seconds : null;
}

function toPlain(text: string): string | undefined {
  if (/^\d*\.?\d+(?:[eE][+-]?\d+)?$|^\d+\.$/.test(text)) return text;
  // 1,234.5 and 1,234,567; 1.234,5 and 1.234.567.
  if (/^\d{1,3}(?:(?:,\d{3})+\.\d+|(?:,\d{3}){2,})$/.test(text)) return text.replaceAll(",", "");
  if (/^\d{1,3}(?:(?:\.\d{3})+,\d+|(?:\.\d{3}){2,})$/.test(text)) return text.replaceAll(".", "").replace(",", ".");
  if (/^[1-9]\d{0,2},\d{3}$/.test(text)) return undefined;
  if (/^\d+,\d+$/.test(text)) return text.replace(",", ".");
  return undefined;
}
