import { type Clock, type Failure, type Logger, type Service, WakeupLoop } from "@multimaster/core";
import { type Data, type WorkerState, workers as workerResource } from "@multimaster/data";
import { EventSubscriptions } from "../builds/event-subscriptions.ts";
import type { Persistence } from "../builds/persistence.ts";
import type { AttachedWorker, AttachedWorkers } from "./attached-worker.ts";

export interface WorkerWatchOptions {
  workers: AttachedWorkers;
  data: Data;
  persistence: Persistence;
  clock: Clock;
  log: Logger;
}

/**
 * Keeps what this engine knows of its workers in step with their rows: paused, graceful, and wanted by another master.
 * Messages make it poll immediately; without them it polls every few seconds.
 */
export class WorkerWatch implements Service {
  readonly name = "worker-watch";
  #options: WorkerWatchOptions;
  #loop: WakeupLoop;
  #events: EventSubscriptions;
  #stopListening: (() => void) | undefined;

  constructor(options: WorkerWatchOptions) {
    const { data, clock, log, workers } = options;
    this.#options = options;
    this.#events = new EventSubscriptions(log);
    this.#loop = new WakeupLoop({ name: this.name, clock, log, pollMs: 3000, poll: () => this.#look() });
    this.#events.add(() => data.events.on(workerResource, "state_updated", ({ id }) => this.#wakeFor(id)));
    this.#events.add(() => data.events.onControl({ of: "worker" }, ({ id }) => this.#wakeFor(id)));
    this.#stopListening = workers.onChange(() => {
      if (workers.all.some((worker) => worker.graceful && worker.builds === 0)) this.#loop.wake();
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
    this.#stopListening?.();
    await this.#events.stop();
    await this.#loop.stop();
  }

  async #look(): Promise<void> {
    const { workers, data } = this.#options;
    const ids = workers.all.map((worker) => worker.workerid);
    if (ids.length === 0) return;
    try {
      const [states, contested] = await Promise.all([
        data.updates.workers.states(ids),
        data.updates.workers.contested(),
      ]);
      for (const state of states) {
        const worker = workers.byId(state.workerid);
        if (worker === undefined) continue;
        this.#note(worker, state);
        if (state.atOnce) await this.#shutDown(worker);
      }
      await Promise.all(contested.map((id) => this.#check(workers.byId(id))));
    } catch (error) {
      // The database is away: builds wait for it, and so does this.
      if (!data.isDatabaseAway(error)) throw error;
    }
    for (const worker of workers.all) if (worker.graceful && worker.builds === 0) await this.#shutDown(worker);
  }

  #note(worker: AttachedWorker, state: WorkerState): void {
    if (!worker.follow(state)) return;
    const { paused, graceful, quarantined } = state;
    const facts = { worker: worker.name, paused, graceful, quarantined };
    this.#options.log.info(facts, `worker ${worker.name} changed its state`);
    this.#options.workers.changed();
  }

  /** Another master was offered this worker: perhaps our connection is dead and we have not noticed. */
  async #check(worker: AttachedWorker | undefined): Promise<void> {
    if (worker === undefined) return;
    const { data, persistence } = this.#options;
    const answers = await worker.link.ping(3000).then(
      () => true,
      () => false,
    );
    if (answers)
      await persistence.write(`keep worker ${worker.name}`, () => data.updates.workers.keep(worker.workerid));
    else {
      this.#options.log.warn(
        { worker: worker.name },
        `worker ${worker.name} is offered to another master and does not answer here: it is let go`,
      );
      worker.link.terminate();
    }
  }

  /** Its builds are done, or are not waited for: the process ends; what starts it again makes it a usual worker. */
  async #shutDown(worker: AttachedWorker): Promise<void> {
    if (worker.leaving) return;
    worker.leaving = true;
    worker.departure = { reason: "shut_down", detail: `with ${worker.builds} builds left` };
    const { data, persistence, log } = this.#options;
    log.info({ worker: worker.name }, `worker ${worker.name} is shut down as asked, with ${worker.builds} builds left`);
    try {
      // A worker that cannot be shut down is not asked again each time it attaches.
      const isAsked = await worker.link.shutdown().then(
        () => true,
        (error: unknown) => {
          log.warn({ worker: worker.name, err: error }, `worker ${worker.name} could not be shut down`);
        },
      );
      await persistence.write(`clear graceful of worker ${worker.name}`, () =>
        data.updates.workers.setGraceful(worker.workerid, false),
      );
      if (!isAsked) worker.departure = undefined;
    } catch (error) {
      log.warn({ worker: worker.name, err: error }, `that worker ${worker.name} was shut down could not be written`);
    }
    worker.link.close(1001, "shut down");
  }

  #wakeFor(workerid: number): void {
    if (this.#options.workers.byId(workerid) !== undefined) this.#loop.wake();
  }
}
