import type { Clock } from "@multimaster/core";
import type { BuildDetails, ReportedBuild, ReportUpdates } from "@multimaster/data";

type Reads = Pick<ReportUpdates, "readBuilds" | "readDetails">;

/** How long what was read of a build is kept, and of how many builds. */
const keptMs = 30_000;
const mostKept = 500;

interface Kept {
  readonly until: number;
  readonly build: Promise<ReportedBuild | undefined>;
  details?: Promise<BuildDetails>;
}

/**
 * Reporters of one master report the same builds within moments: what a build that has ended is gets read once for all of them.
 * A build that runs changes, and is read by each.
 */
export function shareReads(reads: Reads, clock: Pick<Clock, "now">): Reads {
  const kept = new Map<number, Kept>();

  function keep(buildids: readonly number[]): void {
    const all = reads.readBuilds(buildids);
    const until = clock.now() + keptMs;
    for (const id of buildids) {
      const one: Kept = { until, build: all.then((builds) => builds.get(id)) };
      kept.set(id, one);
      const forget = () => {
        if (kept.get(id) === one) kept.delete(id);
      };
      one.build.then((build) => {
        if (!hasEnded(build)) forget();
      }, forget);
    }
  }

  function forgetOld(): void {
    for (const [id, { until }] of kept) {
      // They are in the order in which they were read.
      if (until > clock.now() && kept.size <= mostKept) return;
      kept.delete(id);
    }
  }

  return {
    async readBuilds(buildids) {
      forgetOld();
      const missing = buildids.filter((id) => !kept.has(id));
      if (missing.length > 0) keep(missing);
      const own = new Set(missing);
      const found = await Promise.all(buildids.map(async (id) => [id, await kept.get(id)?.build] as const));
      // Another reporter's read may have begun before what this one reports happened.
      const stale = found.flatMap(([id, build]) => (own.has(id) || hasEnded(build) ? [] : id));
      const fresh = stale.length > 0 ? await reads.readBuilds(stale) : new Map<number, ReportedBuild>();
      return new Map(
        found.flatMap(([id, build]) =>
          (fresh.get(id) ?? build) ? [[id, (fresh.get(id) ?? build) as ReportedBuild]] : [],
        ),
      );
    },
    async readDetails(buildid) {
      const one = kept.get(buildid);
      if (!one || !hasEnded(await one.build)) return reads.readDetails(buildid);
      one.details ??= reads.readDetails(buildid);
      one.details.catch(() => {
        delete one.details;
      });
      return one.details;
    },
  };
}

const hasEnded = (build: ReportedBuild | undefined): boolean => build !== undefined && build.results !== null;
