import {
  addWork,
  errors,
  type FailedService,
  type Logger,
  type RunningServices,
  type RunOptions,
  runServices,
  type Service,
  type Work,
} from "@multimaster/core";
import type { Role } from "../define-role.ts";

/** A role with the slice it was given. */
export interface SelectedRole {
  readonly role: Role<unknown>;
  readonly slice: unknown;
}

/** What a master has been asked to do; roles that come and go while it runs stay so when it joins again. */
export interface Selection {
  roles: readonly SelectedRole[];
  builderSets: readonly string[];
}

export interface HostedRolesOptions {
  readonly selection: Selection;
  readonly log: Logger;
  /** The services of a role; `ready` says, as strangers may know it, whether that role can take work here. */
  makeServices(selected: SelectedRole, ready: () => true | string[]): readonly Service[];
  /** The role has been stopped, and may be added again later. */
  onDropped(role: string): void;
  /** Services that belong to no role; they start last. */
  readonly extra: readonly Service[];
  readonly run: RunOptions;
  /** Of what the roles stand on. */
  isReady: RunningServices["ready"];
}

interface Hosted {
  readonly name: string;
  readonly services: RunningServices;
}

/** The roles of a running master, each a group of services that can be drained, dropped and added by itself. */
export class HostedRoles {
  #options: HostedRolesOptions;
  #hosted: Hosted[] = [];
  #draining = false;
  /** Counts drains, so that one that was undone does not go on when the next has begun. */
  #drains = 0;

  constructor(options: HostedRolesOptions) {
    this.#options = options;
  }

  get names(): readonly string[] {
    return this.#options.selection.roles.map(({ role }) => role.name);
  }

  /** Starts all roles in order; if one cannot start, those before it are stopped. */
  async start(): Promise<void> {
    const { selection, extra, log } = this.#options;
    try {
      for (const selected of selection.roles) await this.#host(selected);
      const services = runServices(extra, log, this.#options.run);
      this.#hosted.push({ name: "", services });
      await services.start();
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** All of them say at once that they take nothing new; then each finishes, in start order. */
  async drain(signal: AbortSignal): Promise<void> {
    this.#draining = true;
    this.#drains += 1;
    const mine = this.#drains;
    for (const { services } of this.#hosted) {
      if (!this.#draining || mine !== this.#drains) return;
      await services.drain(signal);
    }
  }

  async resume(): Promise<void> {
    this.#draining = false;
    for (const { services } of this.#hosted) await services.resume();
  }

  /** Stops all, last started first. */
  async stop(): Promise<void> {
    for (const { services } of this.#hosted.toReversed()) await services.stop();
  }

  left(): Work {
    return addWork(this.#hosted.map(({ services }) => services.left()));
  }

  /** Whether everything here can take work, or why not. */
  ready(): true | string[] {
    if (this.#draining) return ["the master is draining"];
    const states = [this.#options.isReady(), ...this.#hosted.map(({ services }) => services.ready())];
    const reasons = [...new Set(states.flatMap((state) => (state === true ? [] : state)))];
    if (this.#hosted.length === 0) reasons.push("the master is starting");
    return reasons.length === 0 ? true : reasons;
  }

  /** What fails in the roles' services now. */
  failures(): FailedService[] {
    return this.#hosted.flatMap(({ services }) => services.failures());
  }

  /** The services of one role; undefined when the master does not have it. */
  of(name: string): RunningServices | undefined {
    return this.#hosted.find((hosted) => hosted.name === name)?.services;
  }

  /** Starts a role beside the others. */
  async add(selected: SelectedRole, builderSets: readonly string[]): Promise<void> {
    const { selection } = this.#options;
    const { name } = selected.role;
    await this.#host(selected, this.#hosted.length - 1);
    selection.roles = [...selection.roles, selected];
    if (builderSets.length > 0) selection.builderSets = builderSets;
    this.#options.log.info({ role: name }, `the role ${name} has been added`);
  }

  /** Stops a role, which has been drained before, and forgets it. */
  async drop(name: string): Promise<void> {
    const { selection } = this.#options;
    await this.of(name)?.stop();
    this.#hosted = this.#hosted.filter((hosted) => hosted.name !== name);
    selection.roles = selection.roles.filter(({ role }) => role.name !== name);
    this.#options.onDropped(name);
    this.#options.log.info({ role: name }, `the role ${name} has been dropped`);
  }

  async #host(selected: SelectedRole, place = this.#hosted.length): Promise<void> {
    const { name } = selected.role;
    if (this.of(name)) throw errors.roleAlreadyThere("this one", name);
    const services = runServices(
      this.#options.makeServices(selected, () => this.#isReady(services)),
      this.#options.log,
      this.#options.run,
    );
    // Listed before it starts: whoever stops the master meanwhile must reach it.
    this.#hosted = this.#hosted.toSpliced(place, 0, { name, services });
    try {
      await services.start();
    } catch (error) {
      this.#hosted = this.#hosted.filter((hosted) => hosted.services !== services);
      throw error;
    }
  }

  #isReady(services: RunningServices): true | string[] {
    if (this.#draining) return ["the master is draining"];
    // Balancers ask the ports of workers and users, and so may whoever reaches those.
    const base = this.#options.isReady("strangers");
    return base === true ? services.ready("strangers") : base;
  }
}
