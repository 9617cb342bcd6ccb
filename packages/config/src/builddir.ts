import { posix } from "node:path";
import { toFileName } from "@multimaster/core";
import type { PlaceOf } from "./place-of.ts";
import type { BuildersSlice } from "./slices/builders.ts";

/** A builder's directory below a worker's own. */
export function nameBuilddir(builder: { name: string; builddir?: string | undefined }): string {
  return builder.builddir ?? toFileName(builder.name);
}

interface PlacedBuilder {
  place: string;
  name: string;
  workers: readonly string[];
  directory: string;
}

/** Builders that would work in one directory of a worker: errors, and where only some file systems think so, warnings. */
export function findSharedDirectories(
  sets: ReadonlyMap<string, BuildersSlice>,
  placeOf: PlaceOf,
): {
  problems: string[];
  warnings: string[];
} {
  const placed = [...sets].flatMap(([set, { builders }]) =>
    builders.map((builder, i) => ({
      place: `${placeOf(`builders.${set}`)}: builders[${i}]`,
      name: builder.name,
      workers: builder.workers,
      directory: posix.normalize(nameBuilddir(builder).replaceAll("\\", "/")).replace(/\/$/, ""),
    })),
  );
  const problems: string[] = [];
  const warnings: string[] = [];
  for (const group of groupBy(placed, ({ directory }) => fold(directory))) {
    for (const [i, builder] of group.entries()) {
      const other = group.slice(0, i).find((one) => one.name !== builder.name && sharesWorker(one, builder));
      if (other === undefined) continue;
      const both = `${builder.place}: the builders "${builder.name}" and "${other.name}" (${other.place})`;
      if (other.directory === builder.directory)
        problems.push(`${both} would build in one directory of a worker, "${builder.directory}"; give one a builddir`);
      else
        warnings.push(
          `${both} have directories that are one where the file system ignores case, as on Windows and macOS: "${builder.directory}" and "${other.directory}"; give one a builddir`,
        );
    }
  }
  return { problems, warnings };
}

/** What a file system may take for the same name: case, ways to write a letter, dots and spaces at the end. */
function fold(directory: string): string {
  return directory
    .normalize("NFC")
    .toLowerCase()
    .replaceAll(/[. ]+(?=\/|$)/g, "");
}

function sharesWorker(one: PlacedBuilder, other: PlacedBuilder): boolean {
  const others = new Set(other.workers);
  return one.workers.some((worker) => others.has(worker));
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): T[][] {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return [...groups.values()];
}
