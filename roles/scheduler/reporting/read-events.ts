import { type ReportKind, type Result, Results, resultName } from "@multimaster/core";
import type { ReportedBuild, ReportUpdates, StepInEvent } from "@multimaster/data";
import type { ReportedEvent } from "@multimaster/plugins";
import { describeMaster } from "./describe-master.ts";

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
  const all = rows.map((row) => ({ row, facts: parseFacts(row.facts) }));
  const idsOf = (prefix: string, idOf: (one: (typeof all)[number]) => number = ({ row }) => row.objectid) => [
    ...new Set(all.filter(({ row }) => row.kind.startsWith(prefix)).map(idOf)),
  ];
  const [builds, buildsets, requests] = await Promise.all([
    updates.readBuilds([...new Set([...idsOf("build-"), ...idsOf("step-", ({ facts }) => buildOf(facts))])]),
    updates.readBuildsets(idsOf("buildset-")),
    updates.readRequests(idsOf("request-")),
  ]);
  const read = await Promise.all(
    all.map(async ({ row, facts }): Promise<[Row, ReportedEvent | undefined]> => {
      const { kind, objectid, at } = row;
      const base = { event: kind as ReportKind, at };
      if (kind.startsWith("buildset-")) {
        const buildset = buildsets.get(objectid);
        const begun = { results: null, completeAt: null, builds: [] };
        return [
          row,
          buildset && { ...base, buildset: kind === "buildset-started" ? { ...buildset, ...begun } : buildset },
        ];
      }
      if (kind.startsWith("request-")) {
        const request = requests.get(objectid);
        return [row, request && { ...base, request: { ...request, ...waitOf(facts) } }];
      }
      if (kind.startsWith("step-")) {
        const build = builds.get(buildOf(facts));
        return [row, build && { ...base, build: whileItRan(build), step: stepOf(objectid, facts) }];
      }
      if (masterKinds.has(kind)) return [row, { ...base, master: describeMaster(kind, objectid, facts) }];
      if (kind.startsWith("worker-")) {
        const worker = await updates.readWorker(objectid, facts);
        return [row, worker && { ...base, worker }];
      }
      const build = builds.get(objectid);
      if (!build) return [row, undefined];
      return [row, { ...base, build: kind === "build-started" ? whileItRan(build) : asItEnded(build, facts, at) }];
    }),
  );
  return new Map(read);
}

/** A build that is read later than what is reported of it happened, as it was then, as far as that is known. */
const whileItRan = (build: ReportedBuild): ReportedBuild =>
  build.results === null ? build : { ...build, results: null, completeAt: null, state: "building" };

/** A build that was lost, and that nothing followed, has the end of its request. */
function asItEnded(build: ReportedBuild, { results }: Record<string, unknown>, at: number): ReportedBuild {
  if (build.results !== Results.RETRY || typeof results !== "number" || results === Results.RETRY) return build;
  const end = results as Result;
  return { ...build, results: end, completeAt: at, state: `lost, and not run again: ${resultName(end)}` };
}

const masterKinds: ReadonlySet<string> = new Set<ReportKind>(["master-evicted", "config-changed", "upgrade-done"]);

const numberOf = (value: unknown): number => (typeof value === "number" ? value : 0);
const buildOf = (facts: Record<string, unknown>): number => numberOf(facts["buildid"]);

const stepOf = (stepid: number, { number, name, results }: Record<string, unknown>): StepInEvent => ({
  stepid,
  number: numberOf(number),
  name: String(name),
  results: typeof results === "number" ? (results as Result) : null,
});

const waitOf = ({ waited, after, requests, reason }: Record<string, unknown>) => ({
  waited: numberOf(waited),
  after: numberOf(after),
  requests: numberOf(requests),
  why: String(reason ?? ""),
});

function parseFacts(text: string): Record<string, unknown> {
  try {
    const facts: unknown = JSON.parse(text);
    return typeof facts === "object" && facts !== null ? (facts as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** What a report is about, for people. */
export function describeEvent({ event, build, step, buildset, request, worker, master }: ReportedEvent): string {
  if (build) return `${build.builder} #${build.number}${step ? ` step ${step.name}` : ""}`;
  if (request) return `${request.builder}: build request ${request.buildrequestid} waits`;
  if (master) return `${event} ${master.name}`;
  if (buildset) return `buildset ${buildset.buildsetid}`;
  return worker ? `worker ${worker.name}` : event;
}
