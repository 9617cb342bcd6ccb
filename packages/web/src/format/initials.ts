import { personName } from "./properties.ts";

/** The letters that stand for an author: the first of the first two words. */
export function initialsOf(author: string): string {
  const words =
    personName(author)
      .split("@")[0]
      ?.match(/[\p{L}\p{N}]+/gu) ?? [];
  const [first = "?", second = ""] = words.map((word) => [...word][0] as string);
  return (first + second).toUpperCase();
}

/** One of twelve colours, always the same for an author. */
export function colourOf(author: string): number {
  let sum = 0;
  for (const character of author.toLowerCase()) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) % 9973;
  return sum % 12;
}
