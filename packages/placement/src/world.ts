/** How a worker can be had: it is connected, it can be made when it is needed (latent), or neither. */
export type Presence = "attached" | "startable" | "absent";

/** A lock that others hold. */
export interface HeldLock {
  readonly name: string;
  /** The build that holds it, in words. */
  readonly holder: string;
  /** How many wait for it before this builder. */
  readonly ahead: number;
}

/** A worker, as one engine sees it. */
export interface WorkerView {
  readonly name: string;
  readonly presence: Presence;
  /** A user has paused it. */
  readonly paused: boolean;
  /** It takes no builds, since its last ones failed because of it. */
  readonly quarantined: boolean;
  /** Of a quarantined worker: its time is over, and one build at a time is tried on it. */
  readonly onProbation: boolean;
  /** It is being shut down. */
  readonly leaving: boolean;
  /** How many builds it takes at the same time. */
  readonly slots: number;
  /** Builds that it has, or that were promised a slot. */
  readonly builds: number;
  /** Directories in use: only one build at a time works in one, however many slots there are. */
  readonly directories: ReadonlySet<string>;
  /** The only build request that it takes: it is an instance that was made for that one. */
  readonly onlyRequest?: number | undefined;
  /** When its hours begin again, in seconds since 1970; null or absent: builds may begin on it. */
  readonly closedUntil?: number | null;
  /** Maximum sum of the weights of its builds; null or absent: any sum. */
  readonly capacity?: number | null;
  /** The sum of the weights of its builds. */
  readonly load?: number;
  /** Its free capacity is kept for this request, which needs more than is free now. */
  readonly keptFor?: KeptFor | undefined;
}

/** The request for which a worker keeps its free capacity. Other requests of its builder need no less. */
export interface KeptFor {
  readonly buildrequestid: number;
  readonly builderid: number;
}

/** A builder on one engine. */
export interface BuilderView {
  readonly builderid?: number;
  /** How much of a worker's capacity one of its builds takes; 1 by default. */
  readonly weight?: number;
  /** How many of its builds may run on this engine; null: without a limit. */
  readonly limit: number | null;
  /** How many run there. */
  readonly running: number;
  /** Where it builds on a worker. */
  readonly directory: string;
  /** Locks it needs and cannot have now, on whichever worker. */
  readonly heldLocks: readonly HeldLock[];
  /** Until when it is outside its hours, in seconds since 1970; null: it is inside them, or has none. */
  readonly closedUntil: number | null;
  /** What forbids a build on this worker, whichever request it is of: a lock of the worker. */
  refuses?(worker: WorkerView): PairObstacle | undefined;
  /** What the config's functions have against a build of this request on this worker. Asked last, best workers first. */
  refusesRequest?(worker: WorkerView, requestId: number | undefined): PairObstacle | undefined;
  /** Chooses among the workers that could take a build of the request, best first; undefined: none. */
  choose?(workers: readonly WorkerView[], requestId: number | undefined): WorkerView | undefined;
}

/** An engine, as others see it. */
export interface EngineView {
  readonly alive: boolean;
  readonly draining: boolean;
}

/** Why an engine starts nothing. */
export type EngineObstacle = { readonly kind: "engine_lost" } | { readonly kind: "engine_draining" };

/** Why an engine does not start a request, whatever its builder. */
export type RequestObstacle = { readonly kind: "last_try" };

/** Why an engine starts no build of a builder, whichever worker is free. */
export type BuilderObstacle =
  | { readonly kind: "max_builds"; readonly limit: number }
  | { readonly kind: "outside_hours"; readonly until: number }
  | { readonly kind: "locked"; readonly lock: HeldLock };

/** Why a worker takes no build, whichever builder asks. */
export type WorkerObstacle =
  | { readonly kind: "worker_away" }
  | { readonly kind: "worker_paused" }
  | { readonly kind: "worker_quarantined" }
  | { readonly kind: "worker_leaving" }
  | { readonly kind: "worker_full" }
  | { readonly kind: "worker_closed"; readonly until: number };

/** Why a worker that takes builds takes none of this builder. */
export type PairObstacle =
  | { readonly kind: "directory_in_use" }
  | { readonly kind: "reserved"; readonly buildrequestid: number }
  | { readonly kind: "worker_locked"; readonly lock: HeldLock }
  | { readonly kind: "worker_loaded"; readonly weight: number; readonly load: number; readonly capacity: number }
  | { readonly kind: "capacity_kept"; readonly keptFor: KeptFor }
  | {
      readonly kind: "refused";
      readonly why: string;
      /** The option whose function refuses, or fails. */
      readonly option?: string | undefined;
      /** When it is asked again, in seconds since 1970. */
      readonly until?: number | undefined;
    };
