import type { Clock } from "@multimaster/core";
import type { LogTime, LogType, LogUpdates } from "@multimaster/data";
import type { StepLog } from "@multimaster/plugins";
import type { Persistence } from "../builds/persistence.ts";
import { checkLogName } from "../steps/step-values.ts";
import type { LogLimits } from "./log-limit.ts";
import { LogWriter } from "./log-writer.ts";
import type { Secrets } from "./secrets.ts";

/** A log of a step that another engine has begun. */
export interface StoredLog {
  readonly logid: number;
  readonly lines: number;
}

export interface StepLogsOptions {
  stepid: number;
  updates: LogUpdates;
  persistence: Persistence;
  clock: Clock;
  secrets: Secrets;
  /** Logs that the step has already, by name: it is run again from its start, and writes the same to them. */
  stored?: ReadonlyMap<string, StoredLog>;
  limits: LogLimits & {
    /** How many logs are kept. */
    readonly maxLogs: number;
  };
}

interface NewLog {
  readonly name: string;
  readonly type: LogType;
}

/** What is written to a log that is not kept. */
const dropped: StepLog = { write: async () => undefined };

/**
 * The logs of one running step. Each has its row with its first lines, or a moment after someone asked for it; all are
 * finished with the step.
 */
export class StepLogs {
  #options: StepLogsOptions;
  #open = new Map<string, LogWriter>();
  #isFull = false;
  readonly #begun: number;

  constructor(options: StepLogsOptions) {
    this.#options = options;
    this.#begun = options.clock.now();
  }

  async get(named: string, type: LogType): Promise<StepLog> {
    const name = checkLogName(this.#options.secrets.hide(named));
    let log = this.#open.get(name);
    if (log === undefined) {
      // "stdio" is always kept, so that there is a place for what is said about the others.
      if (this.#open.size >= this.#options.limits.maxLogs && name !== "stdio") return this.#drop();
      log = this.#add(name, type);
      this.#open.set(name, log);
    }
    return log;
  }

  /** What wrote until now has ended: unfinished lines get their end. */
  endLines(): void {
    for (const log of this.#open.values()) log.endLines();
  }

  /** Stores what is left and marks every log complete. Rejects with the first failure, after trying them all. */
  async finish(): Promise<void> {
    const { stored = new Map<string, StoredLog>(), updates, persistence } = this.#options;
    const left = [...stored].filter(([name]) => !this.#open.has(name));
    const ends = await Promise.allSettled([
      ...[...this.#open.values()].map((log) => log.finish()),
      ...left.map(([, { logid }]) => persistence.write(`finish log ${logid}`, () => updates.finish(logid))),
    ]);
    const failed = ends.find((end) => end.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }

  async #drop(): Promise<StepLog> {
    if (!this.#isFull) {
      this.#isFull = true;
      const { maxLogs } = this.#options.limits;
      const sentence = `This step has more than ${maxLogs} logs (maxLogs). The others are not kept.\n`;
      await (await this.get("stdio", "s")).write(sentence, "header");
    }
    return dropped;
  }

  #add(name: string, type: LogType): LogWriter {
    const { clock, secrets, limits } = this.#options;
    const stored = this.#options.stored?.get(name);
    let logid = stored?.logid;
    return new LogWriter({
      type,
      clock,
      secrets,
      limits,
      begun: this.#begun,
      stored: stored?.lines,
      append: async (firstLine, text, isLast, times) => {
        if (logid === undefined) logid = await this.#create({ name, type }, text, isLast, times);
        else await this.#append(logid, firstLine, text, isLast, times);
      },
    });
  }

  async #create(log: NewLog, text: string, isLast: boolean, times: readonly LogTime[]): Promise<number> {
    const { stepid, updates, persistence } = this.#options;
    const { logid } = await persistence.write(`add log "${log.name}" of step ${stepid}`, () =>
      updates.add({ stepid, ...log }, text, isLast, times),
    );
    return logid;
  }

  #append(
    logid: number,
    firstLine: number,
    text: string,
    isLast: boolean,
    times: readonly LogTime[],
  ): Promise<unknown> {
    const { updates, persistence } = this.#options;
    return persistence.write(`append to log ${logid}`, () => updates.append(logid, firstLine, text, isLast, times));
  }
}
