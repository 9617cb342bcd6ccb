import { createHash } from "node:crypto";

/** Draws a user's picture: initials on a colour derived from the name. No other service is queried, so none learns the names. */
export function drawInitials(person: string, size: string | null): string {
  const pixels = Math.min(Math.max(Number(size) || 32, 8), 512);
  const hue = createHash("sha256").update(person.toLowerCase()).digest().readUInt16BE(0) % 360;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${pixels}" height="${pixels}" viewBox="0 0 32 32"><rect width="32" height="32" fill="hsl(${hue} 45% 40%)"/><text x="16" y="21.5" font-family="sans-serif" font-size="15" fill="#fff" text-anchor="middle">${initialsOf(person)}</text></svg>`;
}

/** Letters and digits only, so that it contains no markup. */
function initialsOf(person: string): string {
  const words = person.split("@")[0]?.match(/[\p{L}\p{N}]+/gu) ?? [];
  const [first = "?", second = ""] = words.map((word) => [...word][0] as string);
  return (first + second).toUpperCase();
}
