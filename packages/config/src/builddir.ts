import { posix } from "node:path";
import { toFileName } from "@multimaster/core";
import type { PlaceOf } from "./place-of.ts";
import type { BuildersSlice } from "./slices/builders.ts";

/** A builder's directory, below a worker's base directory. */
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
        problems.push(`${both} would share a worker's directory, "${builder.directory}"; set builddir for one of them`);
      else
        warnings.push(
          `${both} share a directory if the file system ignores case, as on Windows and macOS: "${builder.directory}" and "${other.directory}"; set builddir for one of them`,
        );
    }
  }
  return { problems, warnings };
}

/** Normalizes what a file system may ignore in a name: case, Unicode composition, dots and spaces at the end. */
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
