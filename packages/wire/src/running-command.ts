import { type CommandUpdate, type ResultSoFar, readUpdates } from "./command-updates.ts";
import { RequestRefused } from "./link-errors.ts";
import type { WorkerRequest } from "./messages.ts";

/** Receives a worker's upload. Blocks come one at a time; only the command's outcome says whether the upload is complete. */
export interface UploadReceiver {
  write(block: Uint8Array): Promise<void>;
  /** End of a file. Called also if the file could not be opened. */
  close?(): Promise<void>;
  /** Sets the times of the file for `keepstamp`, after `close`; undefined if a time is missing. */
  setTimes?(accessed: number | undefined, modified: number | undefined): Promise<void>;
  /** End of a directory: the received data is a tar archive. Called also after a truncation. */
  unpack?(): Promise<void>;
}

/** Provides the data that a worker downloads. */
export interface DownloadSource {
  /** Returns at most `length` bytes, or an empty array at the end. */
  read(length: number): Promise<Uint8Array>;
  close?(): Promise<void>;
}

/** Receive what a command reports. A slow consumer delays the worker's connection; one that throws ends the command. */
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
      /** An interrupt was requested; `rc` alone does not show it. */
      readonly interrupted: boolean;
      /** Seconds, by the worker's clock. */
      readonly elapsed?: number;
    }
  /** The command never ran, or the worker's own code failed: not the fault of the program that it ran. */
  | { readonly kind: "exception"; readonly message: string }
  /** The connection ended first. The command may still run: interrupt its id when the worker reconnects. */
  | { readonly kind: "lost" };

/**
 * One command at the master's end, from before it is sent until its outcome is known:
 *
 *   sent ── response ok ──► running ── complete ──► ended
 *     ├──── complete (quick commands complete before the response) ──► ended; the late response changes nothing
 *     ├──── response exception ──► ended: never ran
 *     └──── connection lost, in any state ──► ended: lost
 *
 * Updates are consumed in order; the outcome resolves after the last update was consumed.
 */
export class RunningCommand {
  /** Rejects only with an error thrown by a consumer. */
  readonly outcome: Promise<CommandOutcome>;
  interrupted = false;
  #consumers: CommandConsumers;
  #result: ResultSoFar = {};
  #queue: Promise<unknown> = Promise.resolve();
  #ended = false;
  /** Remaining bytes of an upload that are accepted, enforced here independently of the worker. */
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

  /** Consumes one request of the worker after the previous ones; resolves with the answer. */
  handle(request: WorkerRequest): Promise<unknown> {
    if (request.op === "complete") {
      this.end(this.#describeCompletion(request.fields.args));
      return Promise.resolve(null);
    }
    const answer = this.#queue.then(() => this.#consume(request));
    this.#queue = answer.catch(() => undefined);
    return answer;
  }

  /** Ends the command with an outcome, or with what is known at completion; the first end counts. */
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

  /** The worker knows the limit; a worker that exceeds it is stopped, and its command does not succeed. */
  #countUpload(bytes: number): void {
    this.#uploadLeft -= bytes;
    if (this.#uploadLeft >= 0) return;
    if (this.#violation === undefined) {
      this.#violation = "the worker sent more than maxsize allows";
      this.#onConsumerFailure();
    }
    throw new RequestRefused(this.#violation);
  }

  /** The worker has broken the protocol: the command cannot succeed, whatever its end. */
  spoil(sentence: string): void {
    this.#violation ??= sentence;
  }

  /** If a result cannot be read, the command has no result, because the unreadable part may have been any. */
  #read(pairs: readonly (readonly [string, ...unknown[]])[]): CommandUpdate[] {
    try {
      return readUpdates(pairs, this.#result);
    } catch (error) {
      if (error instanceof RequestRefused) this.spoil(error.message);
      throw error;
    }
  }

  async #consume(request: Exclude<WorkerRequest, { op: "complete" }>): Promise<unknown> {
    if (this.#failure !== undefined) throw new RequestRefused("the master can process no more output of this command");
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
      throw new RequestRefused("the master could not process this", { cause: error });
    }
  }
}

/** Maximum length of a worker's failure message that is kept. */
const maxFailure = 65_536;
/** Maximum number of bytes that a worker gets per read. */
const maxReadBytes = 4 * 1024 * 1024;

function demand<T>(consumer: T | undefined): T {
  if (consumer === undefined) throw new RequestRefused("this command has no transfer");
  return consumer;
}
