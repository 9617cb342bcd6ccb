import { startBuildbotWorker, type WorkerProtocol } from "./buildbot-worker.ts";
import { startCluster, type TestCluster, waitForWorkers } from "./cluster.ts";
import { startHaproxy, type TestHaproxy } from "./haproxy.ts";
import type { TestMaster } from "./master.ts";
import { startOwnWorker } from "./own-worker.ts";
import { freePorts } from "./ports.ts";
import type { TestProcess } from "./processes.ts";
import { startTcpProxy, type TcpProxy } from "./tcp-proxy.ts";

/** A place in the picture: what runs there now, and where it listens. */
export interface Seat {
  readonly role: "scheduler" | "builder-engine" | "ui";
  readonly place: "a" | "b";
  readonly master: TestMaster;
  readonly name: string;
  /** Where the balancer looks for it; undefined for schedulers, which no one connects to. */
  readonly port: number | undefined;
}

/**
 * The picture of the README for real: HAProxy for workers and for users, two engines, two ui masters, two scheduler
 * masters, PostgreSQL, crossbar.io, and workers of both kinds that know only the balancer.
 */
export interface Diagram {
  readonly cluster: TestCluster;
  readonly haproxy: TestHaproxy;
  /** Who is there now. */
  seats(): readonly Seat[];
  /** Every master there ever was, for its log. */
  everybody(): readonly TestMaster[];
  /** Starts a whole new set of masters beside those that are there; they become `seats`. Returns the former ones. */
  renew(): Promise<readonly Seat[]>;
  /** Starts another master in the place of one that is gone. */
  replace(seat: Seat): Promise<Seat>;
  /** The base URL for users. */
  readonly url: string;
  readonly workers: readonly DiagramWorker[];
  /** Wires that a test can cut and stall. */
  readonly lines: {
    /** Of the masters in place "a" to PostgreSQL, and to the router. */
    readonly database: TcpProxy;
    readonly router: TcpProxy;
    /** Of all workers to the balancer, by protocol. */
    readonly workers: TcpProxy;
    readonly pbWorkers: TcpProxy;
  };
}

export interface DiagramWorker {
  readonly name: string;
  readonly kind: WorkerKind;
  readonly process: TestProcess;
}

/** A program and a protocol. */
export interface WorkerKind {
  readonly title: string;
  /** Absent: this project's own worker. */
  readonly protocol?: WorkerProtocol;
  /** The directory of a release's virtual environment; absent: that of the newest. */
  readonly installation?: string;
}

export interface DiagramOptions {
  /** Workers of each kind. */
  buildbotWorkers: number;
  ownWorkers: number;
  /** Further kinds. */
  more?: readonly { readonly kind: WorkerKind; readonly count: number }[];
  /** Default: the ledger config. */
  config?: string;
  env?: Record<string, string>;
}

const buildbotKind: WorkerKind = { title: "buildbot-worker 4.3.0, msgpack", protocol: "msgpack_experimental_v7" };
const ownKind: WorkerKind = { title: "our own worker" };

const roles = ["scheduler", "builder-engine", "ui"] as const;
const places = ["a", "b"] as const;

/** Starts all of it; resolves when every master is ready and every worker is attached. */
export async function startDiagram(options: DiagramOptions): Promise<Diagram> {
  const kinds = [
    { kind: buildbotKind, count: options.buildbotWorkers },
    { kind: ownKind, count: options.ownWorkers },
    ...(options.more ?? []),
  ].flatMap(({ kind, count }) => Array<WorkerKind>(count).fill(kind));
  const names = kinds.map((_, i) => `w${i + 1}`);
  const cluster = await startCluster({
    config: options.config ?? "test/cluster/configs/ledger/cluster.ts",
    router: "own",
    env: { WORKERS: names.join(","), ...options.env },
  });
  // Two of each for those that are there, two for those that take over from them.
  const haproxy = await startHaproxy({ engines: await freePorts(4), uis: await freePorts(4) });
  const lines = {
    database: await startTcpProxy({ target: cluster.database }),
    router: await startTcpProxy({ target: cluster.env["WAMP_ROUTER"] as string }),
    workers: await startTcpProxy({ target: haproxy.workersPort }),
    pbWorkers: await startTcpProxy({ target: haproxy.pbWorkersPort }),
  };
  const envOf = {
    a: {
      DATABASE_URL: lines.database.url(cluster.database),
      WAMP_ROUTER: lines.router.url(cluster.env["WAMP_ROUTER"] as string),
    },
    b: {},
  };
  const everybody: TestMaster[] = [];
  let seats: Seat[] = [];
  let count = 0;

  const portsOf = { "builder-engine": haproxy.enginePorts, ui: haproxy.uiPorts, scheduler: [] };

  async function startSeat(role: Seat["role"], place: Seat["place"], taken: readonly Seat[]): Promise<Seat> {
    const used = new Set(taken.map(({ port }) => port));
    const port = portsOf[role].find((candidate) => !used.has(candidate));
    const name = `${role}-${place}-${++count}`;
    const master = await cluster.master({
      roles: [role],
      name,
      env: { UI_PORT: String(port ?? 0), WORKER_PORT: String(port ?? 0), ...envOf[place] },
    });
    everybody.push(master);
    return { role, place, master, name, port };
  }

  async function waitUntilThere(started: readonly Seat[]): Promise<void> {
    await Promise.all(started.map(({ master }) => master.waitReady(120_000)));
    await Promise.all(started.flatMap(({ port }) => (port === undefined ? [] : [haproxy.waitForServer(port)])));
  }

  async function startAll(beside: readonly Seat[]): Promise<Seat[]> {
    const started: Seat[] = [];
    for (const role of roles)
      for (const place of places) started.push(await startSeat(role, place, [...beside, ...started]));
    await waitUntilThere(started);
    return started;
  }

  seats = await startAll([]);
  const ui = seats.find(({ role }) => role === "ui") as Seat;
  const password = cluster.env["WORKER_PASSWORD"] as string;
  const workers = await Promise.all(
    kinds.map(async (kind, i) => {
      const name = names[i] as string;
      const port = (kind.protocol === "pb" ? lines.pbWorkers : lines.workers).port;
      return { name, kind, process: await startWorker(kind, { port, name, password }) };
    }),
  );
  await waitForWorkers(ui.master, names);
  return {
    cluster,
    haproxy,
    url: haproxy.url,
    workers,
    lines,
    seats: () => seats,
    everybody: () => everybody,
    async renew() {
      const former = seats;
      seats = await startAll(former);
      return former;
    },
    async replace(seat) {
      const others = seats.filter((other) => other !== seat);
      const next = await startSeat(seat.role, seat.place, others);
      await waitUntilThere([next]);
      seats = [...others, next];
      return next;
    },
  };
}

async function startWorker(
  { protocol, installation }: WorkerKind,
  options: { port: number; name: string; password: string },
): Promise<TestProcess> {
  if (protocol === undefined) return startOwnWorker(options);
  const worker = await startBuildbotWorker({
    ...options,
    protocol,
    ...(installation !== undefined && { installation }),
  });
  return worker.process;
}
