import type { BusHub } from "@multimaster/bus";
import type { Lease } from "@multimaster/cluster";
import {
  type Audience,
  type FailedService,
  type Logger,
  onAbort,
  type Service,
  systemClock,
  type Timer,
  type Work,
} from "@multimaster/core";
import type { Standing } from "./messages.ts";
import { type Beginning, type RoleThread, ThreadDied } from "./role-thread.ts";

export interface RoleServiceOptions {
  readonly thread: RoleThread;
  readonly lease: Lease;
  readonly beginning: Pick<Beginning, "database" | "connections">;
  readonly hub: BusHub;
  readonly log: Logger;
  /** What the role stands on now. */
  standing(): Standing;
  /** The thread has died, and with it what knew of its claims: this term cannot go on. */
  onClaimsLost(): void;
}

/** Time between two tries to start a role again that cannot be started. */
const retryMs = 5_000;

/** A role in its thread, for one term: to its master it is a service like others. */
export class RoleService implements Service {
  readonly name: string;
  #options: RoleServiceOptions;
  #failure: { since: number; cause: string } | undefined;
  #restart: Timer | undefined;
  #isDraining = false;
  #isOver = false;
  #isKept = false;

  constructor(options: RoleServiceOptions) {
    this.#options = options;
    this.name = options.thread.name;
  }

  /** Goes on with a role that was kept from the last term; waits with one whose thread died just now. */
  async start(): Promise<void> {
    const { thread, lease } = this.#options;
    if (thread.term?.masterid === lease.masterid) {
      thread.onDeath((error) => this.#die(error));
      thread.renew(lease);
      return;
    }
    await thread.stop();
    if (thread.pauseMs > 0) return this.#startLater(new ThreadDied(`the thread of the role ${this.name} ended`));
    try {
      await this.#begin();
    } catch (error) {
      if (!(error instanceof ThreadDied) || !thread.hasWorked) throw error;
      this.#startLater(error);
    }
  }

  async drain(signal: AbortSignal): Promise<void> {
    const { thread } = this.#options;
    this.#isDraining = true;
    this.#restart?.cancel();
    if (!thread.term) return;
    const drained = thread.drain();
    const ignore = onAbort(signal, () => thread.force(String(signal.reason)));
    try {
      await drained;
    } catch (error) {
      // What a dead thread had in hand is released with the lease.
      if (!(error instanceof ThreadDied)) throw error;
    } finally {
      ignore();
    }
  }

  async resume(): Promise<void> {
    const { thread, standing } = this.#options;
    this.#isDraining = false;
    this.tell(standing());
    if (thread.term) await thread.resume();
    else await this.#tryAgain();
  }

  /** A balancer is sent elsewhere before anyone is told of the drain. */
  async prepareDrain(): Promise<void> {
    this.tell({ ...this.#options.standing(), ready: ["the role is draining"] });
    await this.refresh();
  }

  /** Brings what is known of the role up to date, unless its loop is blocked. */
  async refresh(): Promise<void> {
    const { thread } = this.#options;
    if (thread.term && thread.sign.stillMs() < 1000) await thread.look().catch(() => undefined);
  }

  left(): Work {
    return this.#options.thread.state.left;
  }

  ready(audience: Audience = "operators"): true | string | string[] {
    const { thread } = this.#options;
    if (this.#failure) return this.#isDraining ? "draining" : this.#failure.cause;
    const stillMs = thread.sign.stillMs();
    if (stillMs > 1000) return `its event loop has stood still for ${Math.round(stillMs / 1000)} s`;
    return thread.state.ready[audience];
  }

  failures(): readonly FailedService[] {
    return this.#failure ? [{ service: this.name, ...this.#failure }] : this.#options.thread.state.failures;
  }

  /** Tells the thread what has changed of what it stands on. */
  tell(standing: Standing): void {
    this.#options.thread.setStanding(standing);
  }

  lose(): void {
    const { thread } = this.#options;
    if (thread.holdsClaims) thread.lost();
  }

  /** Another term follows this one: a role that holds nothing goes on meanwhile. */
  keep(): void {
    this.#isKept = !this.#options.thread.holdsClaims;
  }

  /** Ends the term of the role. */
  async stop(): Promise<void> {
    this.#isOver = true;
    this.#restart?.cancel();
    if (this.#isKept) return;
    this.#options.thread.onDeath(undefined);
    await this.#options.thread.stop();
  }

  async #begin(): Promise<void> {
    const { thread, lease, beginning, hub, standing } = this.#options;
    await thread.load();
    thread.onDeath((error) => this.#die(error));
    try {
      await thread.begin({ lease, hub, standing: standing(), ...beginning });
    } catch (error) {
      thread.onDeath(undefined);
      this.#restart?.cancel();
      throw error;
    }
    this.#failure = undefined;
  }

  #die(error: Error): void {
    const { thread, onClaimsLost } = this.#options;
    if (this.#isOver) return;
    this.#startLater(error);
    if (thread.holdsClaims) onClaimsLost();
  }

  #startLater(error: Error): void {
    const { thread } = this.#options;
    this.#failure = { since: this.#failure?.since ?? Date.now(), cause: error.message };
    if (this.#isDraining || this.#isOver) return;
    this.#restart = systemClock.after(Math.max(thread.pauseMs, 1), () => void this.#tryAgain());
  }

  async #tryAgain(): Promise<void> {
    const { log, thread } = this.#options;
    if (this.#isOver || this.#isDraining || thread.term) return;
    try {
      await this.#begin();
      log.info({ role: this.name }, `the role ${this.name} runs again in a new thread`);
    } catch (error) {
      if (this.#isOver) return;
      log.error({ role: this.name, err: error }, `the role ${this.name} could not be started again`);
      this.#failure = { since: this.#failure?.since ?? Date.now(), cause: (error as Error).message };
      this.#restart = systemClock.after(Math.max(retryMs, thread.pauseMs), () => void this.#tryAgain());
    }
  }
}
