import {
  type Clock,
  describeCause,
  type Failure,
  type Logger,
  readTlsFiles,
  type Service,
  type TlsFiles,
  type TlsMaterial,
} from "@multimaster/core";

export interface ServedCertificateOptions {
  readonly files: TlsFiles;
  readonly clock: Clock;
  readonly log: Logger;
  /** How often the files are read. */
  readonly pollMs?: number;
}

/**
 * The certificate that ports present, read again when its files change. While the new files cannot be served, the former
 * certificate stays in use and this service counts as failed, which does not make the master unready: its workers stay connected.
 */
export class ServedCertificate implements Service {
  readonly name = "certificate of the worker ports";
  readonly isHousekeeping = true;
  readonly #options: ServedCertificateOptions;
  readonly #stop = new AbortController();
  readonly #listeners = new Set<(material: TlsMaterial) => void>();
  #material: TlsMaterial | undefined;
  #problem: { readonly since: number; readonly cause: string } | undefined;
  #logged: string | undefined;
  #polling: Promise<void> | undefined;

  constructor(options: ServedCertificateOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const { files, clock, log } = this.#options;
    this.#material = await readTlsFiles(files);
    if (this.#material.expires.getTime() < clock.now()) log.warn(`${files.certificate} has expired: workers refuse it`);
    this.#polling = this.#poll();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#polling;
  }

  /** Calls `use` with the present certificate, and with each later one until the returned function is called. */
  follow(use: (material: TlsMaterial) => void): () => void {
    if (this.#material === undefined) throw new Error("the certificate is used before it is read");
    use(this.#material);
    this.#listeners.add(use);
    return () => void this.#listeners.delete(use);
  }

  failure(): Failure | undefined {
    if (this.#problem !== undefined) return this.#problem;
    const expires = this.#material?.expires.getTime() ?? Number.POSITIVE_INFINITY;
    if (expires > this.#options.clock.now()) return undefined;
    return { since: expires, cause: `${this.#options.files.certificate} has expired: workers refuse it` };
  }

  async #poll(): Promise<void> {
    const { clock, pollMs = 5000 } = this.#options;
    while (!this.#stop.signal.aborted) {
      await clock.sleep(pollMs, this.#stop.signal);
      if (!this.#stop.signal.aborted) await this.#readAgain();
    }
  }

  async #readAgain(): Promise<void> {
    const { files, clock, log } = this.#options;
    try {
      const read = await readTlsFiles(files);
      this.#problem = undefined;
      this.#logged = undefined;
      if (read.cert === this.#material?.cert && read.key === this.#material.key) return;
      this.#material = read;
      for (const use of this.#listeners) use(read);
      log.info({ expires: read.expires.toISOString() }, `the certificate ${files.certificate} is served from now on`);
    } catch (error) {
      const cause = describeCause(error);
      // Two files are never replaced at the same moment, so the first failure may be just that.
      if (this.#problem !== undefined && this.#logged !== cause) {
        this.#logged = cause;
        log.error(
          { why: cause },
          "the new certificate of the worker ports cannot be used; the former one stays in use",
        );
      }
      this.#problem = { since: this.#problem?.since ?? clock.now(), cause };
    }
  }
}
