import { resolve } from "node:path";
import { type Logger, makeDirectories, type Service } from "@multimaster/core";
import { createTransportPair, MsgpackWorkerLink, type WorkerLink } from "@multimaster/wire";
import { CommandHost, shutdownAnswerMs } from "./command-host.ts";
import { passedEnvironment } from "./environment.ts";

export interface LocalWorkerOptions {
  name: string;
  /** The directory of the builds; created if missing. */
  basedir: string;
  log: Logger;
  /** Environment of the commands; default: the non-secret part of this process's. */
  environment?: Readonly<Record<string, string>>;
  /** Further variables for the default environment. */
  passEnvironment?: readonly string[];
}

/** A worker inside the master's process, for the embedded default. */
export interface LocalWorker extends Service {
  readonly workerName: string;
  /** Opens a new connection, as if the worker had connected to the worker port. Call it after `start`. */
  connect(): WorkerLink;
}

/** Creates a worker that needs no network: the same commands and frames, over a pair of queues. */
export function createLocalWorker(options: LocalWorkerOptions): LocalWorker {
  const { name, log, passEnvironment, environment = passedEnvironment(passEnvironment) } = options;
  const basedir = resolve(options.basedir);
  const links = new Set<WorkerLink>();
  const host = new CommandHost({
    name,
    basedir,
    log,
    environment,
    // It runs as long as the master: a shutdown request only disconnects it.
    onShutdown: () => setTimeout(closeLinks, shutdownAnswerMs),
  });
  let stopped: Promise<void> | undefined;

  function closeLinks(): void {
    for (const link of links) link.terminate();
  }

  async function end(): Promise<void> {
    closeLinks();
    await host.stop();
  }

  return {
    name: `local worker ${name}`,
    workerName: name,
    async start() {
      await makeDirectories(basedir);
    },
    connect() {
      const [masterEnd, workerEnd] = createTransportPair();
      host.serve(workerEnd);
      const link = new MsgpackWorkerLink(masterEnd, { name, log });
      links.add(link);
      void link.closed.then(() => links.delete(link));
      return link;
    },
    stop() {
      stopped ??= end();
      return stopped;
    },
  };
}
