import { type CommandUpdate, type ResultSoFar, readUpdates } from "./command-updates.ts";
import { RequestRefused } from "./link-errors.ts";
import type { WorkerRequest } from "./messages.ts";

/** Takes what a worker uploads. Blocks come one at a time; judge by the outcome, not by `close`. */
export interface UploadReceiver {
  write(block: Uint8Array): Promise<void>;
  /** End of a file. Comes also when the file could not be opened. */
  close?(): Promise<void>;
  /** Times of the file, for `keepstamp`, after `close`; undefined when it is missing. */
  setTimes?(accessed: number | undefined, modified: number | undefined): Promise<void>;
  /** End of a directory: what was written is a tar archive. Comes also after a truncation. */
  unpack?(): Promise<void>;
}

/** Returns what a worker downloads. */
export interface DownloadSource {
  /** At most `length` bytes; nothing left: an empty array. */
  read(length: number): Promise<Uint8Array>;
  close?(): Promise<void>;
}

/** Who hears what a command tells. A consumer that is slow holds the worker's connection back; one that throws ends it. */
export interface CommandConsumers {
  onUpdate?(update: CommandUpdate): void | Promise<void>;
  upload?: UploadReceiver;
  download?: DownloadSource;
}

/** How a command ended. */
export type CommandOutcome =
  | {
      readonly kind: "completed";
      /** Exit code, errno, or -1 for killed by a signal. */
      readonly rc: number;
      /** `timeout_without_output`, `timeout` or `max_lines_failure`. */
      readonly failureReason?: string;
      /** An interrupt was asked for; `rc` alone does not tell. */
      readonly interrupted: boolean;
      /** Seconds, by the worker's clock. */
      readonly elapsed?: number;
    }
  /** It was never run, or the worker's own code failed: not the fault of what it ran. */
  | { readonly kind: "exception"; readonly message: string }
  /** The connection ended first. It may still run: interrupt its id when the worker is back. */
  | { readonly kind: "lost" };

/**
 * One command at the master's end, from before it is sent until its outcome is known:
 *
 *   sent ── response ok ──► running ── complete ──► ended
 *     ├──── complete (quick commands complete before the response) ──► ended; the late response changes nothing
 *     ├──── response exception ──► ended: never ran
 *     └──── connection lost, in any state ──► ended: lost
 *
 * What the worker tells is consumed in order; the outcome comes after the last of it was consumed.
 */
export class RunningCommand {
  /** Rejects only with what a consumer threw. */
  readonly outcome: Promise<CommandOutcome>;
  interrupted = false;
  #consumers: CommandConsumers;
  #result: ResultSoFar = {};
  #queue: Promise<unknown> = Promise.resolve();
  #ended = false;
  /** Bytes of an upload that are still accepted, whatever the worker thinks. */
  #uploadLeft: number;
  #violation: string | undefined;
  #failure: { error: unknown } | undefined;
  #onConsumerFailure: () => void;
  #resolve!: (outcome: CommandOutcome) => void;
  #reject!: (error: unknown) => void;

  constructor(consumers: CommandConsumers, maxUpload: number | null, onConsumerFailure: () => void) {
    this.#consumers = consumers;
    this.#uploadLeft = maxUpload ?? Number.POSITIVE_INFINITY;
    this.#onConsumerFailure = onConsumerFailure;
    this.outcome = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** Consumes one request of the worker after those before it; resolves with the answer. */
  handle(request: WorkerRequest): Promise<unknown> {
    if (request.op === "complete") {
      this.end(this.#describeCompletion(request.fields.args));
      return Promise.resolve(null);
    }
    const answer = this.#queue.then(() => this.#consume(request));
    this.#queue = answer.catch(() => undefined);
    return answer;
  }

  /** Ends it with an outcome, or with what is known at completion; the first end counts. */
  end(outcome: CommandOutcome | (() => CommandOutcome)): void {
    if (this.#ended) return;
    this.#ended = true;
    void this.#queue.then(() => {
      if (this.#failure !== undefined) this.#reject(this.#failure.error);
      else this.#resolve(typeof outcome === "function" ? outcome() : outcome);
    });
  }

  #describeCompletion(failure: string | null | undefined): () => CommandOutcome {
    return () => {
      if (this.#violation !== undefined) return { kind: "exception", message: this.#violation };
      if (typeof failure === "string") return { kind: "exception", message: failure.slice(0, maxFailure) };
      const { rc, failureReason, elapsed } = this.#result;
      if (rc === undefined)
        return { kind: "exception", message: "the worker completed the command without a return code" };
      return {
        kind: "completed",
        rc,
        interrupted: this.interrupted,
        ...(failureReason === undefined ? {} : { failureReason }),
        ...(elapsed === undefined ? {} : { elapsed }),
      };
    };
  }

  /** The limit was told to the worker; one that does not keep to it is stopped, and its command is no success. */
  #countUpload(bytes: number): void {
    this.#uploadLeft -= bytes;
    if (this.#uploadLeft >= 0) return;
    if (this.#violation === undefined) {
      this.#violation = "the worker sent more than it was allowed to (maxsize)";
      this.#onConsumerFailure();
    }
    throw new RequestRefused(this.#violation);
  }

  /** The worker has broken the protocol: however the command ends, it is no success. */
  spoil(sentence: string): void {
    this.#violation ??= sentence;
  }

  /** A result that cannot be read may have been any: the command then has none, instead of one without it. */
  #read(pairs: readonly (readonly [string, ...unknown[]])[]): CommandUpdate[] {
    try {
      return readUpdates(pairs, this.#result);
    } catch (error) {
      if (error instanceof RequestRefused) this.spoil(error.message);
      throw error;
    }
  }

  async #consume(request: Exclude<WorkerRequest, { op: "complete" }>): Promise<unknown> {
    if (this.#failure !== undefined) throw new RequestRefused("the master can take no more of this command");
    const { upload, download, onUpdate } = this.#consumers;
    try {
      switch (request.op) {
        case "update":
          for (const update of this.#read(request.fields.args)) await onUpdate?.(update);
          return null;
        case "update_upload_file_write":
        case "update_upload_directory_write":
          this.#countUpload(request.fields.args.length);
          await demand(upload).write(request.fields.args);
          return null;
        case "update_upload_file_close":
          await demand(upload).close?.();
          return null;
        case "update_upload_file_utime":
          await demand(upload).setTimes?.(
            request.fields.access_time ?? undefined,
            request.fields.modified_time ?? undefined,
          );
          return null;
        case "update_upload_directory_unpack":
          await demand(upload).unpack?.();
          return null;
        case "update_read_file":
          return await demand(download).read(Math.min(request.fields.length, maxReadBytes));
        case "update_read_file_close":
          await demand(download).close?.();
          return null;
      }
    } catch (error) {
      if (error instanceof RequestRefused) throw error;
      this.#failure = { error };
      this.#onConsumerFailure();
      throw new RequestRefused("the master could not take this", { cause: error });
    }
  }
}

/** Most of a worker's own account of a failure that is kept. */
const maxFailure = 65_536;
/** Most bytes that a worker gets by one read. */
const maxReadBytes = 4 * 1024 * 1024;

function demand<T>(consumer: T | undefined): T {
  if (consumer === undefined) throw new RequestRefused("this command transfers nothing");
  return consumer;
}
