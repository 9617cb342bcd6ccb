import type { ReportKind } from "@multimaster/core";
import type { ReportUpdates } from "@multimaster/data";
import type { ReportedEvent } from "@multimaster/plugins";

/** The row of an event, in the outbox or of a report. */
export interface EventRow {
  readonly kind: string;
  readonly objectid: number;
  readonly facts: string;
  readonly at: number;
}

/** Reads what events are about, in a fixed number of queries for builds and buildsets. Undefined: it was deleted meanwhile. */
export async function readEvents<Row extends EventRow>(
  updates: ReportUpdates,
  rows: readonly Row[],
): Promise<ReadonlyMap<Row, ReportedEvent | undefined>> {
  const idsOf = (prefix: string) => [
    ...new Set(rows.filter(({ kind }) => kind.startsWith(prefix)).map(({ objectid }) => objectid)),
  ];
  const [builds, buildsets] = await Promise.all([
    updates.readBuilds(idsOf("build-")),
    updates.readBuildsets(idsOf("buildset-")),
  ]);
  const read = await Promise.all(
    rows.map(async (row): Promise<[Row, ReportedEvent | undefined]> => {
      const { kind, objectid, at } = row;
      const base = { event: kind as ReportKind, at };
      if (kind.startsWith("buildset-")) {
        const buildset = buildsets.get(objectid);
        return [row, buildset && { ...base, buildset }];
      }
      if (kind.startsWith("worker-")) {
        const worker = await updates.readWorker(objectid, parseFacts(row.facts));
        return [row, worker && { ...base, worker }];
      }
      const build = builds.get(objectid);
      if (!build) return [row, undefined];
      // Read later than it happened: what began is reported as running.
      const shown = kind === "build-started" ? { ...build, results: null, completeAt: null } : build;
      return [row, { ...base, build: shown }];
    }),
  );
  return new Map(read);
}

function parseFacts(text: string): Record<string, unknown> {
  try {
    const facts: unknown = JSON.parse(text);
    return typeof facts === "object" && facts !== null ? (facts as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** What a report is about, for people. */
export function describeEvent({ event, build, buildset, worker }: ReportedEvent): string {
  if (build) return `${build.builder} #${build.number}`;
  if (buildset) return `buildset ${buildset.buildsetid}`;
  return worker ? `worker ${worker.name}` : event;
}
