import { judgeRequest, type PairObstacle, place, placeRequests, type WorkerView } from "@multimaster/placement";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { explainBuilder } from "../../../packages/data/src/waiting/explain-builder.ts";
import { WorkerStandings } from "../../../packages/data/src/waiting/explain-workers.ts";
import { LockQueues } from "../../../packages/data/src/waiting/lock-queues.ts";
import type { BuilderPlacement } from "../../../packages/data/src/waiting/read-builder-placements.ts";
import type { Engine, Picture, RunningBuild, WorkerSeen } from "../../../packages/data/src/waiting/read-picture.ts";
import { because, type Reason } from "../../../packages/data/src/waiting/reasons.ts";
import { StartRefusals } from "../../../packages/data/src/waiting/start-refusals.ts";
import { canPlace } from "../../../packages/placement/src/place.ts";

/** What there may be in a small cluster: few of each, so that what matters meets often. */
const world = fc.record({
  engines: fc.array(fc.record({ alive: mostly(true), draining: mostly(false) }), { minLength: 1, maxLength: 3 }),
  workers: fc.array(
    fc.record({
      paused: mostly(false),
      quarantine: rarely(fc.constantFrom("closed" as const, "probation" as const)),
      graceful: mostly(false),
      at: fc.option(fc.nat(2)),
      maxBuilds: fc.option(fc.integer({ min: 1, max: 3 })),
      closedUntil: rarely(fc.constant(1_800_000_000)),
      capacity: rarely(fc.integer({ min: 1, max: 3 })),
      /** The builder that a function refuses to start on it. */
      refuses: rarely(fc.nat(2)),
    }),
    { maxLength: 4 },
  ),
  builders: fc.array(
    fc.record({
      maxBuilds: fc.option(fc.integer({ min: 1, max: 2 })),
      weight: fc.integer({ min: 0, max: 3 }),
      directory: fc.option(fc.constantFrom("shared", "own")),
      on: fc.uniqueArray(fc.nat(2), { maxLength: 3 }),
      workers: fc.uniqueArray(fc.nat(3), { maxLength: 4 }),
    }),
    { minLength: 1, maxLength: 3 },
  ),
  builds: fc.array(fc.record({ builder: fc.nat(2), worker: fc.nat(3) }), { maxLength: 6 }),
  /** Whether one more loss ends the request, and which engines run another one of which that is so. */
  tries: fc.record({ isOnLastTry: mostly(false), running: fc.uniqueArray(fc.nat(2), { maxLength: 2 }) }),
});
type World = typeof world extends fc.Arbitrary<infer T> ? T : never;

function mostly(value: boolean): fc.Arbitrary<boolean> {
  return fc.integer({ min: 1, max: 6 }).map((n) => (n === 1 ? !value : value));
}

function rarely<T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> {
  return fc.oneof({ weight: 4, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: value });
}

const groups = <T>(items: readonly T[], key: (item: T) => number) => {
  const map = new Map<number, T[]>();
  for (const item of items) map.set(key(item), [...(map.get(key(item)) ?? []), item]);
  return map;
};

/** The rows of that world, as "why does this wait" reads them. */
function pictureOf({ engines, workers, builders, builds }: World): Picture {
  const seen: WorkerSeen[] = workers.map(({ at, quarantine, paused, refuses: _, ...rest }, workerid) => ({
    workerid,
    paused: paused || quarantine !== null,
    quarantined: quarantine !== null,
    onProbation: quarantine === "probation",
    quarantinedAt: null,
    quarantineReason: null,
    name: `w${workerid}`,
    pauseReason: null,
    masterids: at !== null && at < engines.length ? [at] : [],
    ...rest,
  }));
  const placements = builders.flatMap(({ on, workers: ids, ...rest }, builderid) =>
    on
      .filter((masterid) => masterid < engines.length)
      .map(
        (masterid): BuilderPlacement => ({
          builderid,
          masterid,
          workerids: ids.filter((id) => id < seen.length),
          ...rest,
        }),
      ),
  );
  const running = builds.flatMap(({ builder, worker }, buildid): RunningBuild[] => {
    const masterid = seen[worker]?.masterids[0];
    const placement = placements.find((one) => one.builderid === builder && one.masterid === masterid);
    if (masterid === undefined || !placement) return [];
    const { directory, weight = 1 } = placement;
    const named = { builderid: builder, builder: `b${builder}` };
    return [{ buildid, number: buildid, ...named, masterid, workerid: worker, directory, weight }];
  });
  return {
    latents: new Map(),
    locks: LockQueues.empty,
    refusals: new StartRefusals(
      workers.flatMap(({ refuses, at }, workerid) =>
        refuses === null || at === null
          ? []
          : [
              {
                masterid: at,
                builderid: refuses,
                buildrequestid: 1,
                workerid,
                option: "canStart",
                why: "no",
                until: null,
              },
            ],
      ),
      new Map(),
    ),
    engines: new Map(
      engines.map((engine, masterid): [number, Engine] => [masterid, { masterid, name: `m${masterid}`, ...engine }]),
    ),
    placements: groups(placements, (one) => one.builderid),
    workers: new Map(seen.map((worker) => [worker.workerid, worker])),
    buildsOfBuilder: groups(running, (build) => build.builderid),
    buildsOnWorker: groups(running, (build) => build.workerid as number),
  };
}

/** Directory of a build, which is the builder's own where it has not said which. */
const directoryOf = (one: { builderid: number; directory: string | null }) =>
  one.directory ?? `of builder ${one.builderid}`;

/** Which engines' distributors start a request of the builder: from their memory, which is made up from the world by itself. */
function enginesThatStart(
  picture: Picture,
  builderid: number,
  { tries, workers: made }: World,
): { master: string; worker: string }[] {
  const refusing = made.map(({ refuses }) => refuses);
  return (picture.placements.get(builderid) ?? []).flatMap((placement) => {
    const engine = picture.engines.get(placement.masterid) as Engine;
    if (!engine.alive || engine.draining) return [];
    const here = [...picture.buildsOnWorker.values()].flat().filter((build) => build.masterid === engine.masterid);
    const workers = [...picture.workers.values()]
      .filter(({ masterids }) => masterids.includes(engine.masterid))
      .map((worker): WorkerView => {
        const own = here.filter((build) => build.workerid === worker.workerid);
        return {
          name: worker.name,
          presence: "attached",
          paused: !worker.quarantined && worker.paused,
          quarantined: worker.quarantined,
          onProbation: worker.onProbation,
          leaving: worker.graceful,
          slots: worker.maxBuilds ?? 1,
          builds: own.length,
          directories: new Set(own.map(directoryOf)),
          closedUntil: worker.closedUntil ?? null,
          capacity: worker.capacity ?? null,
          load: own.reduce((sum, { weight = 0 }) => sum + weight, 0),
        };
      });
    const builder = {
      builderid,
      workers: placement.workerids.map((id) => `w${id}`),
      limit: placement.maxBuilds,
      running: here.filter((build) => build.builderid === builderid).length,
      directory: directoryOf(placement),
      heldLocks: [],
      closedUntil: null,
      weight: placement.weight ?? 1,
      refusesRequest: ({ name }: WorkerView): PairObstacle | undefined =>
        refusing[Number(name.slice(1))] === builderid ? { kind: "refused", why: "no" } : undefined,
    };
    const request = { buildrequestid: 1, builderid, isOnLastTry: tries.isOnLastTry };
    const placed = placeRequests([request], [builder], workers, { runsLastTry: runsLastTry(tries, engine.masterid) });
    return placed.map(({ workerName }) => ({ master: engine.name, worker: workerName }));
  });
}

/** Whether a reason is true in this world, judged without the code that returned it. */
function isTrue(picture: Picture, builderid: number, made: World, { kind, facts: given }: Reason): boolean {
  const { tries } = made;
  const facts = given as Readonly<Record<string, unknown>>;
  const all = picture.placements.get(builderid) ?? [];
  const worker = picture.workers.get(facts["workerid"] as number);
  const masterid = facts["masterid"] as number;
  const own = (picture.buildsOnWorker.get(worker?.workerid ?? -1) ?? []).filter((build) => build.masterid === masterid);
  const at = all.find((one) => one.masterid === masterid);
  switch (kind) {
    case "no_engine":
      return all.length === 0;
    case "engine_lost":
      return all.length > 0 && all.every((one) => !picture.engines.get(one.masterid)?.alive);
    case "master_draining":
      return picture.engines.get(masterid)?.draining === true;
    case "max_builds": {
      const here = (picture.buildsOfBuilder.get(builderid) ?? []).filter((build) => build.masterid === masterid);
      return here.length >= (at?.maxBuilds ?? Number.POSITIVE_INFINITY);
    }
    case "worker_paused":
      return worker?.paused === true && !worker.quarantined;
    case "worker_quarantined":
      return worker?.quarantined === true && !worker.onProbation;
    case "worker_graceful":
      return worker?.graceful === true;
    case "worker_hours":
      return worker?.closedUntil === 1_800_000_000;
    case "worker_load": {
      const load = own.reduce((sum, { weight = 0 }) => sum + weight, 0);
      return load + (at?.weight ?? 0) > (worker?.capacity ?? Number.POSITIVE_INFINITY);
    }
    case "refused":
      return made.workers[worker?.workerid ?? -1]?.refuses === builderid;
    case "worker_busy":
      return own.length >= (worker?.onProbation ? 1 : (worker?.maxBuilds ?? 1));
    case "directory_in_use":
      return at !== undefined && own.some((build) => directoryOf(build) === directoryOf(at));
    case "no_worker":
    case "worker_away":
      return (facts["away"] as string[]).every((name) =>
        [...picture.workers.values()].some((one) => one.name === name && one.masterids.length === 0),
      );
    case "last_try":
      return tries.isOnLastTry && runsLastTry(tries, masterid);
    case "worker_elsewhere":
      return worker?.masterids.every((id) => !startsBuilds(picture, builderid, id)) === true;
    default:
      return false;
  }
}

function startsBuilds(picture: Picture, builderid: number, masterid: number): boolean {
  const engine = picture.engines.get(masterid);
  const has = picture.placements.get(builderid)?.some((one) => one.masterid === masterid) === true;
  return has && engine?.alive === true && !engine.draining;
}

const runsLastTry = ({ running }: World["tries"], masterid: number) => running.includes(masterid);

const explain = (picture: Picture, builderid: number, tries: World["tries"]) =>
  explainBuilder(picture, new WorkerStandings(picture), builderid, (masterid) =>
    judgeRequest(tries, { runsLastTry: runsLastTry(tries, masterid) })
      ? because("last_try", "another one runs", { masterid })
      : undefined,
  );

describe("in any world", () => {
  it("what an engine places is explained as about to be claimed, and what waits has true reasons", () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(world, (made) => {
        const picture = pictureOf(made);
        for (const builderid of made.builders.keys()) {
          const starting = enginesThatStart(picture, builderid, made);
          const reasons = explain(picture, builderid, made.tries);
          for (const { kind } of reasons) seen.add(kind);
          if (starting.length > 0) {
            expect(reasons).toEqual([expect.objectContaining({ kind: "claiming" })]);
            const { master, worker } = (reasons[0] as Reason).facts as { master: string; worker: string };
            expect(starting).toContainEqual({ master, worker });
          } else {
            expect(reasons).not.toEqual([]);
            for (const reason of reasons.filter(({ facts }) => !("more" in (facts as object))))
              expect([reason.kind, isTrue(picture, builderid, made, reason)]).toEqual([reason.kind, true]);
          }
        }
      }),
      { numRuns: 3000 },
    );
    // The worlds are rich enough: every reason that rows can give has been met.
    expect([...seen].sort()).toEqual(
      [
        "claiming",
        "directory_in_use",
        "engine_lost",
        "last_try",
        "master_draining",
        "max_builds",
        "no_engine",
        "no_worker",
        "refused",
        "worker_away",
        "worker_busy",
        "worker_elsewhere",
        "worker_graceful",
        "worker_hours",
        "worker_load",
        "worker_paused",
        "worker_quarantined",
      ].sort(),
    );
  });

  it("a build is placed if, and only if, no obstacle is found: locks, hours, quarantine and refusals too", () => {
    const lock = { name: "db", holder: "web #81", ahead: 2 };
    const obstacles: PairObstacle[] = [
      { kind: "worker_locked", lock },
      { kind: "refused", why: "not at night" },
    ];
    const worker = fc.record({
      name: fc.constantFrom("a", "b", "c"),
      presence: fc.constantFrom("attached" as const, "startable" as const, "absent" as const),
      paused: mostly(false),
      quarantined: mostly(false),
      onProbation: mostly(false),
      leaving: mostly(false),
      slots: fc.integer({ min: 1, max: 3 }),
      builds: fc.nat(2),
      directories: rarely(fc.constantFrom("x", "y")).map((name) => new Set(name === null ? [] : [name])),
      refusal: rarely(fc.constantFrom(...obstacles)),
    });
    const builder = fc.record({
      limit: rarely(fc.nat(2)),
      running: fc.nat(2),
      directory: fc.constantFrom("x", "y"),
      heldLocks: rarely(fc.constant(lock)).map((held) => (held === null ? [] : [held])),
      closedUntil: rarely(fc.constant(1_800_000_000)),
    });
    fc.assert(
      fc.property(builder, fc.array(worker, { maxLength: 6, size: "max" }), (about, workers) => {
        const refuses = (one: WorkerView) => (one as (typeof workers)[number]).refusal ?? undefined;
        const view = { ...about, refuses };
        const mayStart =
          (about.limit === null || about.running < about.limit) &&
          about.heldLocks.length === 0 &&
          about.closedUntil === null;
        const takers = workers.filter(
          (one) =>
            one.presence !== "absent" &&
            !(one.paused || (one.quarantined && !one.onProbation) || one.leaving) &&
            one.builds < (one.quarantined ? 1 : one.slots) &&
            !one.directories.has(about.directory) &&
            one.refusal === null,
        );
        const placement = place(view, workers);
        expect(canPlace(view, workers)).toBe(placement.kind === "placed");
        if (!mayStart) {
          if (placement.kind !== "builder_waits") throw new Error(`it is ${placement.kind}`);
          const reasons = [
            ...(about.limit !== null && about.running >= about.limit ? ["max_builds"] : []),
            ...(about.closedUntil === null ? [] : ["outside_hours"]),
            ...about.heldLocks.map(() => "locked"),
          ];
          expect(placement.obstacles.map(({ kind }) => kind)).toEqual(reasons);
          return;
        }
        if (takers.length === 0) {
          if (placement.kind !== "no_worker_takes_it") throw new Error(`it is ${placement.kind}`);
          const outcomes = placement.obstacles();
          expect(outcomes.map((one) => one.worker)).toEqual(workers);
          for (const { obstacle } of outcomes) expect(obstacle.kind).toMatch(/^(worker_|directory_in_use|refused)/);
          return;
        }
        if (placement.kind !== "placed") throw new Error(`it is ${placement.kind}`);
        expect(takers).toContain(placement.worker);
        const attached = takers.filter(({ presence }) => presence === "attached");
        const best = attached.length > 0 ? attached : takers;
        expect(placement.worker.builds).toBe(Math.min(...best.map(({ builds }) => builds)));
        if (attached.length > 0) expect(placement.worker.presence).toBe("attached");
      }),
      { numRuns: 3000 },
    );
  });
});
