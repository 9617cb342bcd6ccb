import type { Bus } from "@multimaster/bus";
import { type Heartbeat, type Lease, monotonicMs } from "@multimaster/cluster";
import { Counter, Gauge, type Registry, type Service, systemClock } from "@multimaster/core";
import { type Database, queryRows } from "@multimaster/database";
import type { HostedRoles } from "./hosted-roles.ts";

interface MasterMetricsOptions {
  readonly metrics: Registry;
  readonly lease: Lease;
  readonly heartbeat: Heartbeat;
  readonly bus: Bus;
  readonly database: Database;
  readonly hosts: Pick<HostedRoles, "left" | "names" | "ready">;
  readonly release: string;
}

/** A database that takes longer counts as away. */
const timeLimitMs = 2_000;

/** Figures that every master has, whatever its roles. They are taken when they are asked for. */
export function createMasterMetrics(options: MasterMetricsOptions): Service {
  const { metrics, lease, heartbeat, bus, database, hosts, release } = options;
  const registers = [metrics];
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name: `multimaster_${name}`,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });

  new Gauge({
    name: "multimaster_info",
    help: "1; the labels say which master this is, with which roles and of which release.",
    labelNames: ["master", "roles", "release"],
    registers,
    collect() {
      this.reset();
      this.set({ master: lease.name, roles: hosts.names.join(","), release }, 1);
    },
  });
  gauge("ready", "1 while this master can take work.", () => Number(hosts.ready() === true));
  gauge("lease_remaining_seconds", "Time until this master's lease expires unless it is renewed.", () => {
    const renewedAt = heartbeat.lastRenewal?.at;
    return renewedAt === undefined ? Number.NaN : (renewedAt + lease.leaseMs - monotonicMs()) / 1000;
  });
  gauge("bus_connected", "1 while messages flow; work goes on without them, slower.", () =>
    Number(bus.state === "connected"),
  );
  registerWakeups(metrics, bus);
  gauge("builds_running", "Builds that run on this master.", () => hosts.left().builds ?? 0);
  gauge("workers_attached", "Workers whose connection this master has.", () => hosts.left().workers ?? 0);
  gauge(
    "singletons_claimed",
    "Schedulers and change sources that run on this master.",
    () => hosts.left().singletons ?? 0,
  );
  new Gauge({
    name: "multimaster_database_latency_seconds",
    help: `Time of a minimal query; ${timeLimitMs / 1000} when the database did not answer in that time.`,
    registers,
    async collect() {
      this.set(await measureLatency(database));
    },
  });
  new Gauge({
    name: "process_start_time_seconds",
    help: "Start time of the process since the epoch.",
    registers,
    collect() {
      this.set(Date.now() / 1000 - process.uptime());
    },
  });
  new Gauge({
    name: "process_resident_memory_bytes",
    help: "Memory that the process occupies.",
    registers,
    collect() {
      this.set(process.memoryUsage.rss());
    },
  });
  let counted = 0;
  new Counter({
    name: "process_cpu_seconds_total",
    help: "Processor time that the process has used.",
    registers,
    collect() {
      const { user, system } = process.cpuUsage();
      const used = (user + system) / 1e6;
      this.inc(used - counted);
      counted = used;
    },
  });
  return { name: "master-metrics", async start() {}, async stop() {} };
}

/** How this master hears of what others do: messages through the router, or wake-ups through PostgreSQL. */
function registerWakeups(metrics: Registry, bus: Bus): void {
  const registers = [metrics];
  new Counter({
    name: "multimaster_wakeups_total",
    help: "Messages of other masters, by the way on which they came: the router, or PostgreSQL's NOTIFY.",
    labelNames: ["by"],
    registers,
    collect() {
      this.reset();
      this.inc({ by: "router" }, bus.received.router);
      this.inc({ by: "notify" }, bus.received.notify);
    },
  });
  const { wakeups } = bus;
  if (wakeups === undefined) return;
  new Gauge({
    name: "multimaster_wakeups_ready",
    help: "1 while PostgreSQL would wake this master if the router were away.",
    registers,
    collect() {
      this.set(Number(wakeups.isListening));
    },
  });
  new Counter({
    name: "multimaster_wakeups_dropped_total",
    help: "Wake-ups that PostgreSQL did not take soon enough; their receivers poll.",
    registers,
    collect() {
      this.reset();
      this.inc(wakeups.dropped);
    },
  });
}

async function measureLatency(database: Database): Promise<number> {
  const start = performance.now();
  const over = new AbortController();
  const query = queryRows(database, "select 1 as one").then(
    () => true,
    () => false,
  );
  const isThere = await Promise.race([query, systemClock.sleep(timeLimitMs, over.signal).then(() => false)]);
  over.abort();
  return isThere ? (performance.now() - start) / 1000 : timeLimitMs / 1000;
}
