import { type Clock, type Failure, type Logger, type Service, WakeupLoop } from "@multimaster/core";
import type { Data, StopRequest } from "@multimaster/data";
import type { Build } from "./build.ts";
import { EventSubscriptions } from "./event-subscriptions.ts";
import type { RunningBuilds } from "./running-builds.ts";

export interface StopRequestsOptions {
  builds: RunningBuilds;
  data: Data;
  clock: Clock;
  log: Logger;
}

/** Stops builds whose rows ask for it. A message only makes this read the rows immediately; it carries neither reason nor result. */
export class StopRequests implements Service {
  readonly name = "stop-requests";
  #options: StopRequestsOptions;
  #loop: WakeupLoop;
  #events: EventSubscriptions;
  #stopListening: () => void;
  /** A message has come while a build here did not know its id yet. */
  #wasEarly = false;
  /** What was passed on to each build: steps that always run follow a stop, and only a repeated one may end those, too. */
  #passedOn = new WeakMap<Build, "first" | "repeated">();

  constructor(options: StopRequestsOptions) {
    const { builds, data, clock, log } = options;
    this.#options = options;
    this.#events = new EventSubscriptions(log);
    this.#loop = new WakeupLoop({ name: this.name, clock, log, pollMs: 3000, poll: () => this.#look() });
    this.#events.add(() =>
      data.events.onControl({ of: "builds", action: "stop" }, ({ id }) =>
        this.#wakeIf(builds.all.some(({ buildid }) => buildid === id)),
      ),
    );
    this.#events.add(() =>
      data.events.onControl({ of: "buildrequests", action: "cancel" }, ({ id }) =>
        this.#wakeIf(builds.isWorkingFor(id)),
      ),
    );
    this.#stopListening = builds.onChange((_build, event) => {
      if (event !== "started" || !this.#wasEarly) return;
      this.#wasEarly = false;
      this.#loop.wake();
    });
  }

  async start(): Promise<void> {
    this.#events.start();
    this.#loop.start();
  }

  failure(): Failure | undefined {
    return this.#loop.failure();
  }

  async stop(): Promise<void> {
    this.#stopListening();
    await this.#events.stop();
    await this.#loop.stop();
  }

  #wakeIf(isMine: boolean): void {
    if (isMine) this.#loop.wake();
    // It may be for one of these, whose row has just been committed.
    if (this.#options.builds.all.some(({ buildid }) => buildid === undefined)) this.#wasEarly = true;
  }

  async #look(): Promise<void> {
    const { builds, data } = this.#options;
    const ids = builds.all.flatMap((build) => (build.buildid === undefined ? [] : [build.buildid]));
    if (ids.length === 0) return;
    try {
      for (const request of await data.updates.builds.stopRequests(ids)) this.#passOn(request);
    } catch (error) {
      if (!data.isDatabaseAway(error)) throw error;
    }
  }

  #passOn({ buildid, reason, results, isRepeated }: StopRequest): void {
    for (const build of this.#options.builds.all) {
      const before = this.#passedOn.get(build);
      if (build.buildid !== buildid || before === "repeated" || (before === "first" && !isRepeated)) continue;
      this.#passedOn.set(build, isRepeated ? "repeated" : "first");
      const how = isRepeated ? "stopped again, with its clean-up" : "stopped";
      this.#options.log.info({ buildid, reason }, `build ${buildid} is ${how}: ${reason}`);
      build.interrupt({ kind: "stopped", reason, results, ...(isRepeated ? { isRepeated } : {}) });
    }
  }
}
