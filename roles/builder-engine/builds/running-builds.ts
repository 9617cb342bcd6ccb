import { type Failure, Results, type Service } from "@multimaster/core";
import type { EngineParts } from "../engine-parts.ts";
import type { BuildLocks } from "../locks/request-locks.ts";
import type { Interruption } from "../steps/interruption.ts";
import type { AttachedWorker, AttachedWorkers } from "../workers/attached-worker.ts";
import { Build } from "./build.ts";
import type { ConfiguredBuilder } from "./configured-builder.ts";
import type { Adoption } from "./resume-point.ts";

/** The builds in progress on this engine. Stopping it abandons them: their rows are for the cluster to put in order. */
export class RunningBuilds implements Service {
  readonly name = "builds";
  #engine: EngineParts;
  #workers: AttachedWorkers;
  #builds = new Map<Build, Promise<void>>();
  #lastTries = new Set<Build>();
  #listeners = new Set<(build: Build, event: "started" | "ended") => void>();

  constructor(engine: EngineParts, workers: AttachedWorkers) {
    this.#engine = engine;
    this.#workers = workers;
  }

  async start(): Promise<void> {}

  /** Builds that begin from now on work with these parts. */
  reconfigure(parts: Pick<EngineParts, "onMaster" | "adoptWithinMs">): void {
    this.#engine = { ...this.#engine, ...parts };
  }

  /** Nothing is written any more; commands are interrupted. Resolves when no build's code runs. */
  async stop(): Promise<void> {
    this.abandon("the master stops");
    await this.idle();
  }

  /** What builds have to write is refused again and again. */
  failure(): Failure | undefined {
    return this.#engine.persistence.failure();
  }

  get all(): readonly Build[] {
    return [...this.#builds.keys()];
  }

  isWorkingFor(buildrequestid: number): boolean {
    for (const build of this.#builds.keys()) if (build.buildrequestid === buildrequestid) return true;
    return false;
  }

  /** Whether a build runs whose request one more loss would end. */
  get runsLastTry(): boolean {
    return this.#lastTries.size > 0;
  }

  /** Starts the build of a claimed request; a place on the worker and the builder has been reserved. */
  launch(
    buildrequestid: number,
    builder: ConfiguredBuilder,
    worker: AttachedWorker,
    { isOnLastTry = false, locks }: { readonly isOnLastTry?: boolean; readonly locks?: BuildLocks | undefined } = {},
  ): void {
    const onCreated = () => this.#notify(build, "started");
    const build = new Build(buildrequestid, builder, worker, this.#engine, onCreated, { locks });
    if (isOnLastTry) this.#lastTries.add(build);
    this.#run(build);
  }

  /** Goes on with a build of a lost engine; a slot has been reserved. */
  adopt(adoption: Adoption, builder: ConfiguredBuilder, worker: AttachedWorker): void {
    const { buildrequestid, losses } = adoption.build;
    const onStarted = () => this.#notify(build, "started");
    const build = new Build(buildrequestid, builder, worker, this.#engine, onStarted, { adoption });
    if (builder.isOnLastTry(losses)) this.#lastTries.add(build);
    this.#run(build);
  }

  #run(build: Build): void {
    const { builder, worker } = build;
    const running = build.run().finally(() => {
      this.#builds.delete(build);
      this.#lastTries.delete(build);
      builder.release();
      worker.release(builder);
      this.#notify(build, "ended");
      this.#workers.changed();
    });
    this.#builds.set(build, running);
  }

  interruptAll(interruption: Interruption): void {
    for (const build of this.all) build.interrupt(interruption);
  }

  abandon(reason: string): void {
    this.#engine.persistence.abandon();
    this.interruptAll({ kind: "abandoned", reason, results: Results.RETRY });
  }

  /** Resolves when no build is running. */
  async idle(): Promise<void> {
    while (this.#builds.size > 0) await Promise.all(this.#builds.values());
  }

  /** "started" comes when the build has its row, "ended" when it is over. */
  onChange(listener: (build: Build, event: "started" | "ended") => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #notify(build: Build, event: "started" | "ended"): void {
    for (const listener of this.#listeners) listener(build, event);
  }
}
