import type { Logger, Service } from "@multimaster/core";
import { buildrequests, type Data, type ForeignControlMessage } from "@multimaster/data";
import type { AttachedWorkers } from "../workers/attached-worker.ts";
import type { Build } from "./build.ts";
import { EventSubscriptions } from "./event-subscriptions.ts";
import type { RunningBuilds } from "./running-builds.ts";

export interface ForeignControlOptions {
  builds: RunningBuilds;
  workers: AttachedWorkers;
  data: Data;
  log: Logger;
}

/**
 * Writes the rows that Buildbot's masters do not write: they only publish what they want of a build, a request or a
 * worker. Runs where the config says that they are believed (`bus.believeControl`), since any client that may publish at the
 * router can then stop builds. A stop can only cancel: no message names another result.
 */
export class ForeignControl implements Service {
  readonly name = "foreign-control";
  #options: ForeignControlOptions;
  #events: EventSubscriptions;
  /** Of each build, why its request was cancelled last. */
  #cancelReasons = new WeakMap<Build, string>();

  constructor(options: ForeignControlOptions) {
    const { data, log } = options;
    this.#options = options;
    this.#events = new EventSubscriptions(log);
    this.#events.add(() => data.events.onForeignControl("builds", (message) => this.#stopBuild(message)));
    this.#events.add(() => data.events.onForeignControl("buildrequests", (message) => this.#cancel(message)));
    this.#events.add(() => data.events.onForeignControl("worker", (message) => this.#changeWorker(message)));
  }

  async start(): Promise<void> {
    this.#events.start();
  }

  stop(): Promise<void> {
    return this.#events.stop();
  }

  /**
   * What our own masters ask for is in the rows before they publish: writing it again would publish again, without end.
   * Each Buildbot master that hears that a request is cancelled publishes a stop of its build for the same reason, which is
   * no second stop.
   */
  async #stopBuild({ id, action, reason, isWritten }: ForeignControlMessage): Promise<void> {
    const { builds, data } = this.#options;
    const build = builds.all.find(({ buildid }) => buildid === id);
    if (action !== "stop" || isWritten || build === undefined || this.#cancelReasons.get(build) === reason) return;
    await this.#write(async () => {
      if (!(await this.#isStoppedAgain(id))) await data.updates.builds.requestStop(id, reason);
    });
  }

  async #cancel({ id, action, reason, isWritten }: ForeignControlMessage): Promise<void> {
    const { builds, data } = this.#options;
    if (action !== "cancel") return;
    const build = builds.all.find(({ buildrequestid }) => buildrequestid === id);
    if (build) this.#cancelReasons.set(build, reason);
    if (isWritten) return;
    await this.#write(async () => {
      const request = await data.get(buildrequests, id);
      if (request === undefined || request.complete) return;
      if (!request.claimed) return void (await data.updates.buildrequests.cancel(id, reason));
      if (build?.buildid === undefined || (await this.#isStoppedAgain(build.buildid))) return;
      await data.updates.buildrequests.cancel(id, reason);
    });
  }

  async #isStoppedAgain(buildid: number): Promise<boolean> {
    return (await this.#options.data.updates.builds.stopRequests([buildid])).some(({ isRepeated }) => isRepeated);
  }

  async #changeWorker({ id, action, reason }: ForeignControlMessage): Promise<void> {
    const { workers, data } = this.#options;
    if (workers.byId(id) === undefined) return;
    const { updates } = data;
    await this.#write(async () => {
      const [state] = await updates.workers.states([id]);
      if (action === "stop" && state?.graceful === false) await updates.workers.setGraceful(id, true);
      else if (action === "pause" && state?.paused === false) await updates.workers.setPaused(id, true, reason);
      else if (action === "unpause" && state?.paused === true) await updates.workers.setPaused(id, false, null);
      else if (action === "kill" && state?.atOnce === false) await updates.workers.setGraceful(id, "at once");
    });
  }

  async #write(write: () => Promise<unknown>): Promise<void> {
    try {
      await write();
    } catch (error) {
      this.#options.log.warn({ err: error }, "a control message of another kind of master could not be carried out");
    }
  }
}
