import type { Clock } from "@multimaster/core";
import type { LogType, LogUpdates } from "@multimaster/data";
import type { StepLog } from "@multimaster/plugins";
import { LogWriter } from "./log-writer.ts";
import type { Persistence } from "./persistence.ts";
import type { Secrets } from "./secrets.ts";

interface OpenLog {
  logid: number;
  writer: LogWriter;
}

/** The logs of one running step: each is made when first written to, and all are finished with the step. */
export class StepLogs {
  #stepid: number;
  #updates: LogUpdates;
  #persistence: Persistence;
  #clock: Clock;
  #secrets: Secrets;
  #open = new Map<string, Promise<OpenLog>>();

  constructor(stepid: number, updates: LogUpdates, persistence: Persistence, clock: Clock, secrets: Secrets) {
    this.#stepid = stepid;
    this.#updates = updates;
    this.#persistence = persistence;
    this.#clock = clock;
    this.#secrets = secrets;
  }

  async get(name: string, type: LogType): Promise<StepLog> {
    let log = this.#open.get(name);
    if (log === undefined) {
      log = this.#add(name, type);
      this.#open.set(name, log);
    }
    return (await log).writer;
  }

  /** What wrote until now has ended: unfinished lines get their end. */
  async endLines(): Promise<void> {
    for (const log of this.#open.values()) (await log).writer.endLines();
  }

  /** Stores what is left and marks every log complete. Rejects with the first failure, after trying them all. */
  async finish(): Promise<void> {
    const ends = await Promise.allSettled([...this.#open.values()].map((log) => this.#finish(log)));
    const failed = ends.find((end) => end.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }

  async #add(name: string, type: LogType): Promise<OpenLog> {
    const { logid } = await this.#persistence.write(`add log "${name}" of step ${this.#stepid}`, () =>
      this.#updates.add({ stepid: this.#stepid, name, type }),
    );
    const writer = new LogWriter({
      type,
      clock: this.#clock,
      secrets: this.#secrets,
      append: (firstLine, text) =>
        this.#persistence.write(`append to log ${logid}`, () => this.#updates.append(logid, firstLine, text)),
    });
    return { logid, writer };
  }

  async #finish(log: Promise<OpenLog>): Promise<void> {
    const { logid, writer } = await log;
    await writer.finish();
    await this.#persistence.write(`finish log ${logid}`, () => this.#updates.finish(logid));
  }
}
