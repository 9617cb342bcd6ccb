import type { Build, Change } from "@multimaster/data";
import { propertyText } from "./properties.ts";

/** The builds of one revision, by builder. */
export interface RevisionRow {
  readonly revision: string;
  readonly branch: string;
  /** Undefined: the build was forced, or its change is older than those known. */
  readonly change: Change | undefined;
  /** The newest build first. */
  readonly builds: ReadonlyMap<number, readonly Build[]>;
  readonly at: number;
}

/**
 * Builds by revision, the newest revision first. Changes without a build have a row, too; a forced build is listed at the
 * revision it really built.
 */
export function arrangeByRevision(changes: readonly Change[], builds: readonly Build[]): RevisionRow[] {
  const rows = new Map<string, { change?: Change; builds: Build[] }>();
  const rowOf = (revision: string) => {
    const row = rows.get(revision) ?? { builds: [] };
    rows.set(revision, row);
    return row;
  };
  for (const change of changes) if (change.revision) rowOf(change.revision).change = change;
  for (const build of builds) {
    const revision = propertyText(build.properties, "got_revision", "revision");
    if (revision !== "") rowOf(revision).builds.push(build);
  }
  return [...rows]
    .map(([revision, { change, builds: own }]): RevisionRow => {
      const byBuilder = new Map<number, Build[]>();
      for (const build of own.sort((a, b) => b.number - a.number))
        byBuilder.set(build.builderid, [...(byBuilder.get(build.builderid) ?? []), build]);
      return {
        revision,
        branch: change?.branch ?? propertyText(own[0]?.properties, "branch"),
        change,
        builds: byBuilder,
        at:
          change?.when_timestamp ??
          own.reduce((least, { started_at }) => Math.min(least, started_at), Number.POSITIVE_INFINITY),
      };
    })
    .sort((a, b) => b.at - a.at);
}
