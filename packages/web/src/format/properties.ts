import type { Build } from "@multimaster/data";

export type Properties = Build["properties"];

/** The properties that name what a build has built, and its owner. */
export const sourceProperties = ["branch", "revision", "got_revision", "owner"] as const;

/** The first of these properties that has a value, as text; empty if none has. */
export function propertyText(properties: Properties | null | undefined, ...names: readonly string[]): string {
  for (const name of names) {
    const value = properties?.[name]?.[0];
    if (typeof value === "string" && value !== "") return value;
    if (typeof value === "number" || typeof value === "boolean") return String(value);
  }
  return "";
}

/** A revision short enough for a table. */
export function shortRevision(revision: string): string {
  return /^[0-9a-f]{12,}$/i.test(revision) ? revision.slice(0, 9) : revision.slice(0, 16);
}

/** "Ann Example <ann@example.org>" without the address. */
export function personName(author: string): string {
  return author.replace(/\s*<[^>]*>\s*$/, "") || author;
}
