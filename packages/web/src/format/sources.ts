import type { Buildset } from "@multimaster/data";
import { type Properties, propertyText } from "./properties.ts";

/** What a build has built of one codebase. */
export interface BuiltSource {
  readonly codebase: string;
  readonly branch: string;
  readonly revision: string;
}

type Stamp = Pick<Buildset["sourcestamps"][number], "codebase" | "branch" | "revision">;

/** The sources of a build by codebase: what was checked out, or else what was asked for. Those of which nothing is known are left out. */
export function listSources(properties: Properties | null | undefined, stamps: readonly Stamp[]): BuiltSource[] {
  const sources =
    stamps.length > 1 ? stamps.map((stamp) => ofCodebase(properties, stamp)) : [ofAll(properties, stamps[0])];
  return sources
    .filter(({ branch, revision }) => branch !== "" || revision !== "")
    .sort((a, b) => (a.codebase < b.codebase ? -1 : 1));
}

/** With one codebase, the properties are about it. */
function ofAll(properties: Properties | null | undefined, stamp: Stamp | undefined): BuiltSource {
  const codebase = stamp?.codebase ?? "";
  return {
    codebase,
    branch: propertyText(properties, "branch") || (stamp?.branch ?? ""),
    revision:
      textOf(properties, "got_revision", codebase) || propertyText(properties, "revision") || (stamp?.revision ?? ""),
  };
}

function ofCodebase(properties: Properties | null | undefined, { codebase, branch, revision }: Stamp): BuiltSource {
  return {
    codebase,
    branch: textOf(properties, "branch", codebase, false) || (branch ?? ""),
    revision: textOf(properties, "got_revision", codebase, false) || (revision ?? ""),
  };
}

/** A property that has a value of its own for each codebase; a single text counts if `isSole`. */
function textOf(properties: Properties | null | undefined, name: string, codebase: string, isSole = true): string {
  const value = properties?.[name]?.[0];
  if (typeof value === "string") return isSole || codebase === "" ? value : "";
  if (typeof value !== "object" || value === null || Array.isArray(value)) return "";
  const own = (value as Readonly<Record<string, unknown>>)[codebase];
  return typeof own === "string" ? own : "";
}
