/** An instance of a latent worker. */
export interface InstanceView {
  readonly state: "starting" | "running" | "stopping";
  /** The only build request that it builds; null: any. */
  readonly buildrequestid: number | null;
}

/** An instance as the rows have it. */
export interface InstanceFacts extends InstanceView {
  readonly attachedTo: number | null;
  /** Seconds since it first attached; null: it never has. */
  readonly attachedFor: number | null;
  /** Builds that it has begun. */
  readonly builds: number;
}

/** How long after its first attachment an instance without a build is about to get one, in seconds. */
const freshSeconds = 5;

/** An instance as placement sees it: one that comes back, after its engine died, counts as one that comes. */
export function viewInstance({ buildrequestid, state, attachedTo }: InstanceFacts): InstanceView {
  return { buildrequestid, state: state === "running" && attachedTo === null ? "starting" : state };
}

/**
 * An instance as an engine sees it before it starts one. One that has just attached to another engine counts as one that
 * comes: that engine is about to give it the very request that this engine would start another one for.
 */
export function viewInstanceFrom(masterid: number, facts: InstanceFacts): InstanceView {
  const { attachedTo, attachedFor, builds } = facts;
  const isElsewhere = attachedTo !== null && attachedTo !== masterid;
  const isFresh = isElsewhere && builds === 0 && attachedFor !== null && attachedFor < freshSeconds;
  return viewInstance(isFresh ? { ...facts, attachedTo: null } : facts);
}

/** A latent worker: what may be made of it, and what there is. */
export interface LatentView {
  readonly name: string;
  readonly minInstances: number;
  readonly maxInstances: number;
  /** How many may be starting at the same time. */
  readonly parallelStarts: number;
  /** How many builds one instance takes at the same time. */
  readonly slots: number;
  /** What the last start failed with; null: it worked. */
  readonly failure: string | null;
  /** Seconds until the next start may be tried; 0 or less: now. */
  readonly retryIn: number;
  readonly instances: readonly InstanceView[];
}

/** Why no instance of a latent worker is started for a build that could use one. */
export type LatentObstacle =
  | { readonly kind: "instances_closed"; readonly until: number }
  | { readonly kind: "instance_starting"; readonly count: number; readonly failure: string | null }
  | { readonly kind: "instances_busy"; readonly limit: number }
  /** The next attempt is in so many seconds; 0: it is due. */
  | { readonly kind: "start_failed"; readonly failure: string; readonly retryIn: number };

const startingOf = ({ instances }: LatentView) => instances.filter(({ state }) => state === "starting").length;

/**
 * Why no further instance is started, or what the last start failed with until one works; undefined when one is started.
 * `closedUntil`: it is outside its hours, in seconds since 1970.
 */
export function judgeLatent(latent: LatentView, closedUntil: number | null = null): LatentObstacle | undefined {
  if (closedUntil !== null) return { kind: "instances_closed", until: closedUntil };
  const { failure, retryIn } = latent;
  const starting = startingOf(latent);
  if (starting > 0) return { kind: "instance_starting", count: starting, failure };
  if (latent.instances.length >= latent.maxInstances) return { kind: "instances_busy", limit: latent.maxInstances };
  return failure === null ? undefined : { kind: "start_failed", failure, retryIn: Math.max(0, retryIn) };
}

/**
 * How many instances are started now for so many builds that no attached worker takes. Starting ones count: they will take
 * builds. After a failure one start is tried at a time, until it works.
 */
export function countStarts(latent: LatentView, builds: number): number {
  const { instances, minInstances, maxInstances, slots, failure, retryIn } = latent;
  if (failure !== null && retryIn > 0) return 0;
  const starting = startingOf(latent);
  const staying = instances.filter(({ state }) => state !== "stopping").length;
  const wanted = Math.max(Math.ceil(builds / slots) - starting, minInstances - staying);
  const parallel = failure === null ? latent.parallelStarts : 1;
  return Math.max(0, Math.min(wanted, maxInstances - instances.length, parallel - starting));
}

/** A latent worker as something that takes requests, before its instances exist. */
export interface Startable {
  readonly name: string;
  /** Of those that could take a request, the cheapest does. */
  readonly cost: number;
  /** How many more builds its instances could take, those that are starting included. */
  readonly room: number;
  /** Seconds that a request waits for other workers before an instance is started for it. */
  readonly startAfter: number;
}

export interface WaitingRequest {
  readonly buildrequestid: number;
  readonly builderid: number;
  /** Seconds since it was made. */
  readonly waits: number;
}

/** The requests for which each latent worker has to provide, by its name; those that none can take are left out. */
export function assignToLatents(
  requests: readonly WaitingRequest[],
  latentsOf: (request: WaitingRequest) => readonly Startable[],
): Map<string, number[]> {
  const assigned = new Map<string, number[]>();
  for (const request of requests) {
    const { buildrequestid, waits } = request;
    const [best] = latentsOf(request)
      .filter(({ name, room, startAfter }) => waits >= startAfter && (assigned.get(name)?.length ?? 0) < room)
      .sort((a, b) => a.cost - b.cost);
    if (best) assigned.set(best.name, [...(assigned.get(best.name) ?? []), buildrequestid]);
  }
  return assigned;
}
