import { type Audience, errors, type Logger, type RunOptions, type Service, ServiceGroup } from "@multimaster/core";
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
  isReady(audience?: Audience): true | string[];
}

/** The roles of a running master, each a group of services that can be drained, dropped and added by itself. */
export class HostedRoles extends ServiceGroup {
  #options: HostedRolesOptions;
  #groups = new Map<string, ServiceGroup>();

  constructor(options: HostedRolesOptions) {
    super("roles", [], options.log, options.run);
    this.#options = options;
  }

  get names(): readonly string[] {
    return this.#options.selection.roles.map(({ role }) => role.name);
  }

  /** Starts all roles in order; if one cannot start, those before it are stopped. */
  override async start(): Promise<void> {
    const { selection, extra, log, run } = this.#options;
    for (const selected of selection.roles) await this.add(this.#makeGroup(selected));
    await this.add(new ServiceGroup("extra services", extra, log, run));
    await super.start();
  }

  /** Whether everything here can take work, or why not. */
  override ready(audience: Audience = "operators"): true | string[] {
    if (this.isDraining) return super.ready(audience);
    const states = [this.#options.isReady(audience), super.ready(audience)];
    const reasons = [...new Set(states.flatMap((state) => (state === true ? [] : state)))];
    return reasons.length === 0 ? true : reasons;
  }

  /** The services of one role; undefined when the master does not have it. */
  of(name: string): ServiceGroup | undefined {
    return this.#groups.get(name);
  }

  /** Starts a role beside the others. */
  async addRole(selected: SelectedRole, builderSets: readonly string[]): Promise<void> {
    const { selection, log } = this.#options;
    const { name } = selected.role;
    const group = this.#makeGroup(selected);
    try {
      await this.add(group, this.#groups.size - 1);
    } catch (error) {
      this.#groups.delete(name);
      throw error;
    }
    selection.roles = [...selection.roles, selected];
    if (builderSets.length > 0) selection.builderSets = builderSets;
    log.info({ role: name }, `the role ${name} has been added`);
  }

  /** Stops a role, which has been drained before, and forgets it. */
  async dropRole(name: string): Promise<void> {
    const { selection, log } = this.#options;
    const group = this.of(name);
    if (group) await this.remove(group);
    this.#groups.delete(name);
    selection.roles = selection.roles.filter(({ role }) => role.name !== name);
    this.#options.onDropped(name);
    log.info({ role: name }, `the role ${name} has been dropped`);
  }

  #makeGroup(selected: SelectedRole): ServiceGroup {
    const { name } = selected.role;
    if (this.of(name)) throw errors.roleAlreadyThere("this one", name);
    const { makeServices, log, run } = this.#options;
    const services = makeServices(selected, () => this.#isReady(group));
    const group: ServiceGroup = new ServiceGroup(name, services, log, run);
    this.#groups.set(name, group);
    return group;
  }

  #isReady(group: ServiceGroup): true | string[] {
    if (this.isDraining) return super.ready();
    // Balancers query the ports of workers and users, and so may every client that reaches those.
    const base = this.#options.isReady("strangers");
    return base === true ? group.ready("strangers") : base;
  }
}
