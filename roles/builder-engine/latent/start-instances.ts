import type { RenderContext } from "@multimaster/config";
import { closedUntilOf, findLeast, type Logger, type Properties } from "@multimaster/core";
import type { Data, InstanceRow, PendingRequest, ReservedInstance } from "@multimaster/data";
import {
  assignToLatents,
  countStarts,
  type InstanceView,
  judgeBuilder,
  placeRequests,
  type Startable,
  viewInstanceFrom,
} from "@multimaster/placement";
import type { InstancePlace } from "@multimaster/plugins";
import { makeBuildProperties } from "../builds/build-properties.ts";
import type { ConfiguredBuilder } from "../builds/configured-builder.ts";
import type { RunningBuilds } from "../builds/running-builds.ts";
import { Approvals } from "../start-rules/approvals.ts";
import { RefusalRows } from "../start-rules/refusal-rows.ts";
import type { AttachedWorkers } from "../workers/attached-worker.ts";
import type { AcceptedRequests } from "./accepted-requests.ts";
import { withFreeLocks } from "./free-locks.ts";
import type { InstanceTable } from "./instance-table.ts";
import type { LatentWorker } from "./latent-worker.ts";
import { describeFault } from "./provider-troubles.ts";

export interface InstanceStartsOptions {
  masterid: number;
  latents: readonly LatentWorker[];
  table: InstanceTable;
  builders: ReadonlyMap<number, ConfiguredBuilder>;
  workers: AttachedWorkers;
  builds: RunningBuilds;
  accepted: AcceptedRequests;
  data: Data;
  log: Logger;
  /** Where workers reach this engine; undefined: it does not listen yet. */
  ownUrl(): string | undefined;
  /** A start has ended, or failed. */
  onStarted(latent: string, outcome: "started" | "failed"): void;
}

/** Requests that are looked at, with some of each builder. */
const mostPending = 500;
/** How long a place where a start has failed is used only if there is no other, in milliseconds. */
const avoidMs = 5 * 60_000;
/** Output of a start beyond this is dropped. */
const longestStartLog = 65_536;
/** The longest wait after failed starts, as a multiple of the first. */
const longestRetry = 10;

/** Starts the instances that pending requests need. */
export class InstanceStarts {
  #options: InstanceStartsOptions;
  #starting = new Map<number, Promise<void>>();
  /** Pending requests by latent worker, at the last look. */
  #demand = new Map<string, number>();

  #approvals: Approvals;
  #refusals: RefusalRows;

  constructor(options: InstanceStartsOptions) {
    this.#options = options;
    this.#refusals = new RefusalRows(options.data);
    this.#approvals = new Approvals(options);
  }

  /** Whether this engine is starting the instance at this moment. */
  isStarting(instanceid: number): boolean {
    return this.#starting.has(instanceid);
  }

  /** How many requests waited for an instance when they were last looked at. */
  demandOf(latent: string): number {
    return this.#demand.get(latent) ?? 0;
  }

  /** Resolves when no start is under way. */
  async settled(): Promise<void> {
    while (this.#starting.size > 0) await Promise.all(this.#starting.values());
  }

  async startMissing(): Promise<void> {
    const { latents, table, builders } = this.#options;
    this.#refusals.begin();
    const assigned = await this.#assign();
    await this.#refusals.publish(new Set(builders.keys()), Date.now() / 1000);
    this.#demand = new Map([...assigned].map(([name, requests]) => [name, requests.length]));
    for (const latent of latents) {
      const requests = assigned.get(latent.name) ?? [];
      const { options, isBound } = latent;
      const minInstances = this.#isUsed(latent) ? options.minInstances : 0;
      const instances = table.of(latent.name).map((row) => this.#view(row));
      const slots = isBound ? 1 : options.maxBuilds;
      const starting = isBound ? instances.filter(({ state }) => state === "starting").length : 0;
      const { failure = null, retryIn = 0 } = table.latent(latent.name) ?? {};
      const view = { ...options, minInstances, slots, failure, retryIn, instances };
      if (countStarts(view, requests.length + starting) === 0) continue;
      await this.#start(latent, requests, { minInstances, slots });
    }
  }

  /** Whether a builder of this engine names it: an instance that no builder can use is refused when it attaches. */
  #isUsed({ workers }: LatentWorker): boolean {
    const [first = ""] = workers;
    return [...this.#options.builders.values()].some(({ config }) => config.workers.includes(first));
  }

  /** The requests that no attached worker takes, by the latent worker that has to provide for them. */
  async #assign(): Promise<Map<string, number[]>> {
    const { builders, workers, data, table, builds } = this.#options;
    const open = [...builders.values()].filter((builder) => judgeBuilder(builder.view()).length === 0);
    const latentsOf = new Map(open.map((builder) => [builder.builderid, this.#latentsOf(builder)]));
    const wanting = open.filter(({ builderid }) => (latentsOf.get(builderid)?.length ?? 0) > 0);
    if (wanting.length === 0) return new Map();
    const ids = wanting.map(({ builderid }) => builderid);
    // No machine is paid for what no user has approved.
    // Seen before the requests are read: one that a worker takes meanwhile then counts as placed there, and not as one more
    // that needs an instance because that worker is busy.
    const views = workers.all.map((worker) => worker.view(Date.now()));
    const asked = await this.#approvals.admit(await data.updates.buildrequests.pending(ids, mostPending));
    const accepting = await this.#acceptingOf(asked, latentsOf);
    // One that none of them takes would be put on an instance that is there for another.
    const wanted = asked.filter(({ buildrequestid }) => (accepting.get(buildrequestid)?.length ?? 0) > 0);
    const requests = wanted.map((request) => ({
      ...request,
      isOnLastTry: builders.get(request.builderid)?.isOnLastTry(request) ?? false,
      waits: Date.now() / 1000 - request.submittedAt,
    }));
    const placed = placeRequests(
      requests,
      wanting.map((builder) => builder.view()),
      views,
      { runsLastTry: builds.runsLastTry },
    );
    const taken = new Set(placed.map(({ request }) => request.buildrequestid));
    // An instance was made for it already.
    for (const row of table.rows)
      if (row.buildrequestid !== null && this.#view(row).state !== "starting") taken.add(row.buildrequestid);
    const left = requests.filter(({ buildrequestid }) => !taken.has(buildrequestid));
    const startable = await withFreeLocks(this.#withinLimits(left), builders, data);
    return assignToLatents(startable, ({ buildrequestid }) => accepting.get(buildrequestid) ?? []);
  }

  /** The latent workers of each request, without those whose functions refuse it. */
  async #acceptingOf(requests: readonly PendingRequest[], latentsOf: ReadonlyMap<number, readonly Startable[]>) {
    const { accepted, builders } = this.#options;
    const accepting = new Map<number, readonly Startable[]>();
    for (const request of requests) {
      const builder = builders.get(request.builderid);
      const latents = latentsOf.get(request.builderid) ?? [];
      const answers = await Promise.all(
        latents.map(async ({ name }) => {
          const refusal = builder && (await accepted.refusalOf(name, request, builder));
          if (builder && typeof refusal === "object") await this.#noteRefusal(name, request, builder, refusal);
          return builder !== undefined && refusal === undefined;
        }),
      );
      accepting.set(
        request.buildrequestid,
        latents.filter((_, i) => answers[i]),
      );
    }
    return accepting;
  }

  /** For those who ask why the request waits. */
  async #noteRefusal(
    name: string,
    { buildrequestid, builderid }: PendingRequest,
    { config }: ConfiguredBuilder,
    { why, until }: { readonly why: string; readonly until: number },
  ): Promise<void> {
    const latent = this.#options.latents.find((one) => one.name === name);
    if (!latent) return;
    const ids = await this.#workeridsOf(latent);
    const named = ids.filter((_, i) => config.workers.includes(latent.workers[i] as string));
    const first = findLeast(named, (id) => id);
    if (first === undefined) return;
    const workerid = -first;
    this.#refusals.note({ builderid, buildrequestid, workerid, option: "accepts", why, until: until / 1000 });
  }

  #latentsOf(builder: ConfiguredBuilder): Startable[] {
    const { table } = this.#options;
    const latents = new Set(builder.config.workers.flatMap((name) => table.latentOf(name) ?? []));
    const usable = [...latents].filter(
      ({ options: { hours, capacity = builder.weight } }) =>
        builder.weight <= capacity && closedUntilOf(hours, Date.now()) === null,
    );
    return usable.map(({ name, options, isBound }) => {
      const running = table.of(name).filter((row) => this.#view(row).state !== "starting").length;
      const room = Math.max(0, options.maxInstances - running) * (isBound ? 1 : options.maxBuilds);
      return { name, cost: options.cost, startAfter: options.startAfter / 1000, room };
    });
  }

  /** One that has attached here and is not admitted yet counts as one that comes. */
  #view(row: InstanceRow): InstanceView {
    const { masterid, workers } = this.#options;
    const worker = workers.byId(row.workerid);
    const isComing = row.attachedTo === masterid && (worker === undefined || worker.terms === "unknown");
    return viewInstanceFrom(masterid, isComing ? { ...row, attachedTo: null } : row);
  }

  /** A builder that may run few builds needs few instances. */
  #withinLimits<R extends { builderid: number }>(requests: readonly R[]): R[] {
    const room = new Map<number, number>();
    return requests.filter(({ builderid }) => {
      const { limit, running } = this.#options.builders.get(builderid)?.view() ?? { limit: 0, running: 0 };
      const left = room.get(builderid) ?? (limit === null ? Number.POSITIVE_INFINITY : limit - running);
      room.set(builderid, left - 1);
      return left > 0;
    });
  }

  async #start(
    latent: LatentWorker,
    requests: readonly number[],
    { minInstances, slots }: { readonly minInstances: number; readonly slots: number },
  ): Promise<void> {
    const { options, definition, kind, name, isBound } = latent;
    const masterUrl = definition.masterUrlOf(options) ?? this.#options.ownUrl();
    if (masterUrl === undefined) return;
    const workerids = await this.#workeridsOf(latent);
    const reserved = await this.#options.data.updates.instances.reserve({
      latent: name,
      kind,
      minInstances,
      maxInstances: options.maxInstances,
      parallelStarts: options.parallelStarts,
      slots,
      workerids,
      places: this.#usablePlaces(latent),
      host: latent.reach,
      masterUrl,
      requests,
      isBound,
    });
    for (const instance of reserved) {
      const start = this.#startOne(latent, instance, masterUrl).finally(() => {
        this.#starting.delete(instance.instanceid);
      });
      this.#starting.set(instance.instanceid, start);
    }
  }

  /** When a start has failed here, by latent worker and place. */
  #failedAt = new Map<string, number>();

  /** A host that is down would have the fewest instances: the others go on without it. */
  #usablePlaces({ name, options, definition, context }: LatentWorker): readonly InstancePlace[] {
    const places = definition.places?.(options) ?? [];
    const isAvoided = (place: InstancePlace) => {
      const failedAt = this.#failedAt.get(`${name} ${place.name}`);
      return failedAt !== undefined && context.clock.now() - failedAt < avoidMs;
    };
    const usable = places.filter((place) => !isAvoided(place));
    return usable.length > 0 ? usable : places;
  }

  #workerids = new Map<string, readonly number[]>();

  async #workeridsOf({ name, workers }: LatentWorker): Promise<readonly number[]> {
    const known = this.#workerids.get(name);
    if (known) return known;
    const ids = [...(await this.#options.data.updates.workers.register(workers)).values()];
    this.#workerids.set(name, ids);
    return ids;
  }

  async #startOne(latent: LatentWorker, reserved: ReservedInstance, masterUrl: string): Promise<void> {
    const { data, log, onStarted } = this.#options;
    const { instanceid, secret, place } = reserved;
    const worker = await this.#nameOf(latent, reserved);
    let text = "";
    const output = (more: string) => {
      if (text.length < longestStartLog) text += more;
    };
    try {
      const options = await latent.render(await this.#renderingFor(reserved));
      latent.context.signal.throwIfAborted();
      log.info({ latent: latent.name, worker, instanceid }, `an instance of ${latent.name} is started as ${worker}`);
      const instance = { instanceid, worker, secret, masterUrl, place, output };
      const providerId = await latent.definition.start(latent.context, options, instance);
      const isOurs = await data.updates.instances.save(instanceid, { providerId, log: text });
      if (!isOurs) await latent.definition.stop(latent.context, latent.options, providerId);
      onStarted(latent.name, "started");
    } catch (error) {
      // This engine ends: the engine that takes the instance finds out what became of it.
      if (latent.context.signal.aborted) return;
      onStarted(latent.name, "failed");
      if (place !== null) this.#failedAt.set(`${latent.name} ${place}`, latent.context.clock.now());
      await this.noteFailure(latent, instanceid, describeFault(error));
    }
  }

  /** The start failed and nothing is left of it. The wait before the next one doubles, with jitter. */
  async noteFailure(latent: LatentWorker, instanceid: number, failure: string): Promise<void> {
    const { data, table, log } = this.#options;
    const { failures = 0 } = table.latent(latent.name) ?? {};
    const wait = (latent.options.retryAfter / 1000) * Math.min(2 ** failures, longestRetry);
    const retryIn = wait * (0.75 + Math.random() / 4);
    log.warn({ latent: latent.name, instanceid, failure }, `an instance of ${latent.name} did not start: ${failure}`);
    await data.updates.instances.failed(instanceid, latent.name, failure, retryIn).catch((error: unknown) => {
      log.warn({ latent: latent.name, instanceid, err: error }, "the failed start could not be written");
    });
  }

  async #nameOf(latent: LatentWorker, { workerid }: ReservedInstance): Promise<string> {
    const ids = await this.#workeridsOf(latent);
    return latent.workers[ids.indexOf(workerid)] as string;
  }

  /** What options that are functions of the build request are rendered with; undefined: it is made for none. */
  async #renderingFor({ buildrequestid }: ReservedInstance): Promise<RenderContext | undefined> {
    if (buildrequestid === null) return undefined;
    const request = await this.#options.data.updates.buildrequests.details(buildrequestid);
    const builder = request && this.#options.builders.get(request.builderid);
    if (!request || !builder) throw new Error(`build request ${buildrequestid} does not exist any more`);
    const { name, builderid, config } = builder;
    const properties: Properties = makeBuildProperties({
      request,
      builder: { name, builderid, properties: config.properties },
      worker: { name: "", basedir: "", properties: {} },
      buildNumber: 0,
      builddir: "",
    });
    const unknown = new Set(["buildnumber", "workername", "basedir", "builddir"]);
    const { sourceStamps } = request;
    return {
      build: { buildid: 0, buildrequestid, number: 0 },
      property: (property) => (unknown.has(property) ? undefined : properties.get(property)),
      secret: (secret) => {
        throw new Error(`the secret "${secret}" is of builds; options of latent workers have none`);
      },
      source: (codebase = "") =>
        sourceStamps.find((stamp) => stamp.codebase === codebase) ??
        (codebase === "" && sourceStamps.length === 1 ? sourceStamps[0] : undefined),
    };
  }
}
