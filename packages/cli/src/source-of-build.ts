import type { Build } from "@multimaster/data";

/** The properties of a build that say what it built, and for whom. */
export const sourceProperties = ["got_revision", "revision", "branch", "repository", "owner", "owners", "scheduler"];

export interface SourceOfBuild {
  /** What was checked out or, if that is not known, what was asked for; empty: the newest. */
  readonly revision: string;
  readonly branch: string;
  readonly repository: string;
  /** The user who asked for the build, or the scheduler. */
  readonly by: string;
}

/** What a build built, and for whom, as far as its properties say. Of several codebases it names each. */
export function sourceOf({ properties }: Pick<Build, "properties">): SourceOfBuild {
  const value = (name: string): unknown => properties?.[name]?.[0];
  const [owner] = [value("owner"), value("owners")].flat().filter((one) => typeof one === "string" && one !== "");
  return {
    revision: describe(value("got_revision"), shortRevision) || describe(value("revision"), shortRevision),
    branch: describe(value("branch")),
    repository: describe(value("repository")),
    by: String(owner ?? value("scheduler") ?? ""),
  };
}

/** A property that is a text, or a text for each codebase. */
function describe(value: unknown, shorten: (text: string) => string = (text) => text): string {
  if (typeof value === "string") return shorten(value);
  if (typeof value !== "object" || value === null) return "";
  return Object.entries(value)
    .map(([codebase, text]) => (codebase === "" ? shorten(String(text)) : `${codebase} ${shorten(String(text))}`))
    .join(", ");
}

/** A hash as people say it; anything else, such as a number, stays. */
export function shortRevision(revision: string): string {
  return /^[0-9a-f]{20,}$/.test(revision) ? revision.slice(0, 10) : revision;
}
