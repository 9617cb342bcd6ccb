import { type Audience, errors, type Logger, type RunOptions, type Service, ServiceGroup } from "@multimaster/core";
import type { Standing } from "./threads/messages.ts";
import type { RoleHost } from "./threads/role-host.ts";
import type { RoleService } from "./threads/role-service.ts";

/** A role and where it runs. */
export interface SelectedRole {
  readonly name: string;
  readonly host: RoleHost;
  /** Of an engine. */
  readonly builderSets: readonly string[] | "all";
}

/** What a master has been asked to do; roles that come and go while it runs stay so when it joins again. */
export interface Selection {
  roles: readonly SelectedRole[];
  builderSets: readonly string[];
}

export interface HostedRolesOptions {
  readonly selection: Selection;
  readonly log: Logger;
  makeService(selected: SelectedRole): RoleService;
  /** Services that belong to no role; they start last. */
  readonly extra: readonly Service[];
  readonly run: RunOptions;
  /** What the roles stand on. */
  standing(audience?: Audience): Standing;
}

/** How often the roles are told what they stand on, if that has changed. */
const standingMs = 100;

/** The roles of a running master, each a service that can be drained, dropped and added by itself. */
export class HostedRoles extends ServiceGroup {
  #options: HostedRolesOptions;
  #services = new Map<string, RoleService>();
  #told = "";
  #timer: NodeJS.Timeout | undefined;
  /** Why the roles are not ready, beside what they stand on. */
  #reason: string | undefined;

  constructor(options: HostedRolesOptions) {
    super("roles", [], options.log, options.run);
    this.#options = options;
  }

  get names(): readonly string[] {
    return this.#options.selection.roles.map(({ name }) => name);
  }

  /** Draining, or about to. */
  get isLeaving(): boolean {
    return this.isDraining || this.#reason !== undefined;
  }

  /** Starts all roles in order; if one cannot start, those before it are stopped. */
  override async start(): Promise<void> {
    const { selection, extra, log, run } = this.#options;
    for (const selected of selection.roles) await this.add(this.#makeService(selected));
    await this.add(new ServiceGroup("extra services", extra, log, run));
    this.#timer = setInterval(() => this.#tell(), standingMs);
    this.#timer.unref();
    await super.start();
  }

  override drain(signal: AbortSignal): Promise<void> {
    const drained = super.drain(signal);
    this.#tell();
    return drained;
  }

  override async resume(): Promise<void> {
    this.#reason = undefined;
    const resumed = super.resume();
    this.#tell();
    await resumed;
  }

  override async stop(): Promise<void> {
    clearInterval(this.#timer);
    await super.stop();
  }

  /** Stops the roles that hold claims; the others go on, and answer that they are not ready, until the next term. */
  async leave(): Promise<void> {
    this.#reason = "the master joins the cluster again";
    this.#tell();
    for (const service of this.#services.values()) service.keep();
    await this.stop();
  }

  /** Balancers are sent elsewhere before anyone is told of the drain. */
  async prepareDrain(): Promise<void> {
    this.#reason = "the master is draining";
    this.#tell();
    await Promise.all([...this.#services.values()].map((service) => service.refresh()));
  }

  /** The lease is lost: roles that hold something act no more. */
  lose(database: "in reach" | "out of reach"): void {
    for (const service of this.#services.values()) service.lose(database);
  }

  /** Whether everything here can take work, or why not. */
  override ready(audience: Audience = "operators"): true | string[] {
    if (this.isDraining) return super.ready(audience);
    const states = [this.#options.standing(audience).ready, super.ready(audience)];
    const reasons = [...new Set(states.flatMap((state) => (state === true ? [] : state)))];
    return reasons.length === 0 ? true : reasons;
  }

  /** One role; undefined when the master does not have it. */
  of(name: string): RoleService | undefined {
    return this.#services.get(name);
  }

  /** Starts a role beside the others. */
  async addRole(selected: SelectedRole, builderSets: readonly string[]): Promise<void> {
    const { selection, log } = this.#options;
    const { name } = selected;
    try {
      const service = this.#makeService(selected);
      try {
        await this.add(service, this.#services.size - 1);
      } catch (error) {
        this.#services.delete(name);
        throw error;
      }
    } catch (error) {
      await selected.host.close();
      throw error;
    }
    selection.roles = [...selection.roles, selected];
    if (builderSets.length > 0) selection.builderSets = builderSets;
    log.info({ role: name }, `the role ${name} has been added`);
  }

  /** Stops a role, which has been drained before, and ends its thread if it has one. */
  async dropRole(name: string): Promise<void> {
    const { selection, log } = this.#options;
    const service = this.of(name);
    if (service) await this.remove(service);
    this.#services.delete(name);
    const dropped = selection.roles.find((role) => role.name === name);
    selection.roles = selection.roles.filter((role) => role !== dropped);
    await dropped?.host.close();
    log.info({ role: name }, `the role ${name} has been dropped`);
  }

  #makeService(selected: SelectedRole): RoleService {
    const { name } = selected;
    if (this.of(name)) throw errors.roleAlreadyThere("this one", name);
    const service = this.#options.makeService(selected);
    this.#services.set(name, service);
    return service;
  }

  /** What a role stands on, as its own ports tell it to balancers and strangers. */
  standing(): Standing {
    const standing = this.#options.standing("strangers");
    if (this.#reason !== undefined) return { ...standing, ready: [this.#reason] };
    return this.isDraining ? { ...standing, ready: super.ready() } : standing;
  }

  #tell(): void {
    const standing = this.standing();
    const text = JSON.stringify(standing);
    if (text === this.#told) return;
    this.#told = text;
    for (const service of this.#services.values()) service.tell(standing);
  }
}
