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
import { type Beginning, type RoleHost, ThreadDied } from "./role-host.ts";

export interface RoleServiceOptions {
  readonly host: RoleHost;
  readonly lease: Lease;
  readonly beginning: Pick<Beginning, "connections" | "shared">;
  readonly log: Logger;
  /** What the role stands on now. */
  standing(): Standing;
  /** The thread has died, and with it what knew of its claims: this term cannot go on. */
  onClaimsLost(): void;
}

/** Time between two tries to start a role again that cannot be started. */
const retryMs = 5_000;

/** A role where it runs, for one term: to its master it is a service like others. */
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
    this.name = options.host.name;
  }

  /** Goes on with a role that was kept from the last term; waits with one whose thread died just now. */
  async start(): Promise<void> {
    const { host, lease } = this.#options;
    if (host.term?.masterid === lease.masterid) {
      host.onDeath((error) => this.#die(error));
      host.renew(lease);
      return;
    }
    await host.stop();
    if (host.pauseMs > 0) return this.#startLater(new ThreadDied(`the thread of the role ${this.name} ended`));
    try {
      await this.#begin();
    } catch (error) {
      if (!(error instanceof ThreadDied) || !host.hasWorked) throw error;
      this.#startLater(error);
    }
  }

  async drain(signal: AbortSignal): Promise<void> {
    const { host } = this.#options;
    this.#isDraining = true;
    this.#restart?.cancel();
    if (!host.term) return;
    const drained = host.drain();
    const ignore = onAbort(signal, () => host.force(String(signal.reason)));
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
    const { host, standing } = this.#options;
    this.#isDraining = false;
    this.tell(standing());
    if (host.term) await host.resume();
    else await this.#tryAgain();
  }

  /** A balancer is sent elsewhere before anyone is told of the drain. */
  async prepareDrain(): Promise<void> {
    this.tell({ ...this.#options.standing(), ready: ["the role is draining"] });
    await this.refresh();
  }

  /** Brings what is known of the role up to date, unless its loop is blocked. */
  async refresh(): Promise<void> {
    const { host } = this.#options;
    if (host.term && host.blockedMs < 1000) await host.look().catch(() => undefined);
  }

  left(): Work {
    return this.#options.host.state.left;
  }

  ready(audience: Audience = "operators"): true | string | string[] {
    const { host } = this.#options;
    if (this.#failure) return this.#isDraining ? "draining" : this.#failure.cause;
    const stillMs = host.blockedMs;
    if (stillMs > 1000) return `its event loop has stood still for ${Math.round(stillMs / 1000)} s`;
    return host.state.ready[audience];
  }

  failures(): readonly FailedService[] {
    return this.#failure ? [{ service: this.name, ...this.#failure }] : this.#options.host.state.failures;
  }

  /** Tells the thread what has changed of what it stands on. */
  tell(standing: Standing): void {
    this.#options.host.setStanding(standing);
  }

  lose(database: "in reach" | "out of reach"): void {
    const { host } = this.#options;
    if (host.holdsClaims) host.lose(database);
  }

  /** Another term follows this one: a role that holds nothing goes on meanwhile. */
  keep(): void {
    this.#isKept = !this.#options.host.holdsClaims;
  }

  /** Ends the term of the role. */
  async stop(): Promise<void> {
    this.#isOver = true;
    this.#restart?.cancel();
    if (this.#isKept) return;
    this.#options.host.onDeath(undefined);
    await this.#options.host.stop();
  }

  async #begin(): Promise<void> {
    const { host, lease, beginning, standing } = this.#options;
    await host.load();
    host.onDeath((error) => this.#die(error));
    try {
      await host.begin({ lease, standing: standing(), ...beginning });
    } catch (error) {
      host.onDeath(undefined);
      this.#restart?.cancel();
      throw error;
    }
    this.#failure = undefined;
  }

  #die(error: Error): void {
    const { host, onClaimsLost } = this.#options;
    if (this.#isOver) return;
    this.#startLater(error);
    if (host.holdsClaims) onClaimsLost();
  }

  #startLater(error: Error): void {
    const { host } = this.#options;
    this.#failure = { since: this.#failure?.since ?? Date.now(), cause: error.message };
    if (this.#isDraining || this.#isOver) return;
    this.#restart = systemClock.after(Math.max(host.pauseMs, 1), () => void this.#tryAgain());
  }

  async #tryAgain(): Promise<void> {
    const { log, host } = this.#options;
    if (this.#isOver || this.#isDraining || host.term) return;
    try {
      await this.#begin();
      log.info({ role: this.name }, `the role ${this.name} runs again in a new thread`);
    } catch (error) {
      if (this.#isOver) return;
      log.error({ role: this.name, err: error }, `the role ${this.name} could not be started again`);
      this.#failure = { since: this.#failure?.since ?? Date.now(), cause: (error as Error).message };
      this.#restart = systemClock.after(Math.max(retryMs, host.pauseMs), () => void this.#tryAgain());
    }
  }
}
