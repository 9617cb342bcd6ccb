import type { Bus } from "@multimaster/bus";
import type { Lease, LoopSign } from "@multimaster/cluster";
import { compareConfigs, type LoadedConfig, type PartKind } from "@multimaster/config";
import {
  createMetrics,
  type FiguresText,
  type Logger,
  type MetricFigures,
  measure,
  type Registry,
  type Service,
  ServiceGroup,
  systemClock,
} from "@multimaster/core";
import { createData } from "@multimaster/data";
import type { Database } from "@multimaster/database";
import type { Role, RoleService } from "../../define-role.ts";
import { judgeFailures } from "../judge-failures.ts";
import type { BeginTerm, RoleState, Standing } from "./messages.ts";

export interface RoleTermOptions {
  readonly role: Role<unknown>;
  readonly slice: unknown;
  readonly config: LoadedConfig;
  /** Shows what the event loop is about to run. */
  readonly sign: LoopSign;
  readonly database: Database;
  readonly bus: Bus;
  readonly log: Logger;
  listening(service: string, url: string): void;
  figures(): Promise<FiguresText>;
  /** Runs beside the services of the role. */
  beside?(metrics: Registry): Service;
}

/** A role's time under one lease; the role itself does not know in which thread it is. */
export class RoleTerm {
  readonly #group: ServiceGroup;
  readonly #metrics = createMetrics();
  readonly #data: ReturnType<typeof createData>;
  readonly #lost = new AbortController();
  /** The lease and the name of the master; a role that holds nothing goes on under the next ones. */
  readonly #lease: Lease;
  readonly #master: { name: string; masterid: number };
  readonly #services: readonly RoleService<unknown>[];
  #config: LoadedConfig;
  #standing: Standing;
  #drain = new AbortController();

  constructor(options: RoleTermOptions, { lease, standing }: Pick<BeginTerm, "lease" | "standing">) {
    const { role, slice, config, sign, database, bus, log, listening, figures, beside } = options;
    this.#lease = { ...lease };
    this.#master = { name: lease.name, masterid: lease.masterid };
    this.#standing = standing;
    const writes = readWrites(() => this.#standing);
    this.#data = createData({ database, bus, lease: this.#lease, writes, log, clock: systemClock });
    this.#config = config;
    this.#services = role.services({
      master: this.#master,
      config: { own: slice, shared: config.shared, directory: config.directory },
      data: this.#data,
      clock: systemClock,
      log,
      metrics: this.#metrics,
      figures,
      loop: sign,
      lost: this.#lost.signal,
      listening(service, url) {
        listening(service, url);
        log.info({ service, url }, "listening");
      },
      ready: () => this.#ready(),
    });
    const all = beside ? [beside(this.#metrics), ...this.#services] : this.#services;
    this.#group = new ServiceGroup(role.name, all, log, judgeFailures(lease.leaseMs, database, writes));
  }

  get state(): RoleState {
    const group = this.#group;
    return {
      ready: { operators: group.ready("operators"), strangers: group.ready("strangers") },
      left: group.left(),
      failures: group.failures(),
    };
  }

  async start(): Promise<void> {
    await this.#group.start();
  }

  /** Its services take over the next config, which has been checked, in the order in which they start. */
  async reconfigure(config: LoadedConfig, slice: unknown): Promise<void> {
    const changes = compareConfigs(this.#config, config);
    this.#config = config;
    const next = {
      own: slice,
      shared: config.shared,
      directory: config.directory,
      hasChanged: (kind: PartKind, name?: string) =>
        changes.some((change) => change.kind === kind && (name === undefined || change.name === name)),
    };
    for (const service of this.#services) await service.takeConfig?.(next);
  }

  async drain(): Promise<void> {
    this.#drain = new AbortController();
    await this.#group.drain(this.#drain.signal);
  }

  /** What still runs is given back now. */
  force(reason: string): void {
    this.#drain.abort(reason);
  }

  resume(): Promise<void> {
    return this.#group.resume();
  }

  async stop(): Promise<void> {
    await this.#group.stop();
  }

  /** What it wrote has been published. */
  async close(): Promise<void> {
    await this.#data.updates.close();
  }

  lose(): void {
    this.#lost.abort();
  }

  renew(lease: Lease): void {
    Object.assign(this.#lease, lease);
    Object.assign(this.#master, { name: lease.name, masterid: lease.masterid });
  }

  setStanding(standing: Standing): void {
    this.#standing = standing;
  }

  measure(): Promise<MetricFigures> {
    return measure(this.#metrics);
  }

  /** Balancers ask the ports of workers and users, and so may whoever reaches those. */
  #ready(): true | string[] {
    return this.#standing.ready === true ? this.#group.ready("strangers") : this.#standing.ready;
  }
}

/** What the main thread's probe of writes has found, as it is now. */
function readWrites(standing: () => Standing): Pick<Standing, "refusal" | "accepted"> {
  return {
    get refusal() {
      return standing().refusal;
    },
    get accepted() {
      return standing().accepted;
    },
  };
}
