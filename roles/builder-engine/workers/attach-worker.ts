import type { Claim } from "@multimaster/cluster";
import type { WorkerConfig, WorkerRules } from "@multimaster/config";
import type { Clock, Logger } from "@multimaster/core";
import type { RecordedCommand, Updates } from "@multimaster/data";
import {
  LinkClosed,
  RemoteException,
  RequestRefused,
  RequestTimedOut,
  resumeCapability,
  type WorkerInfo,
  type WorkerLink,
} from "@multimaster/wire";
import type { BuildAdopter } from "../builds/adopt-builds.ts";
import { Abandoned, type Persistence } from "../builds/persistence.ts";
import { AttachedWorker } from "./attached-worker.ts";

export interface AttachOptions {
  link: WorkerLink;
  config: WorkerConfig;
  /** Names of the directories that builders use on it. */
  directories: readonly string[];
  rules: WorkerRules;
  workerid: number;
  updates: Updates;
  persistence: Persistence;
  clock: Clock;
  log: Logger;
  /** Lets builds of dead masters go on here. */
  adopter: Pick<BuildAdopter, "canAdopt" | "adopt">;
  /** The master drains: no one is waited for any more. */
  isRefusing(): boolean;
}

const workerFaults = [LinkClosed, RemoteException, RequestTimedOut, RequestRefused];

/** How long an interrupted orphan may take to be gone before its directory is used again. */
const orphanMs = 1000;

/** The same for a worker that says when it has ended. */
const endingMs = 60_000;

/**
 * How long a worker waits here for another master to release it: that master is dead more often than not, and evicted
 * within the usual lease. One that is refused comes back only seconds later, and all of them again and again.
 */
const parkedMs = 20_000;
const parkedLookMs = 500;

/**
 * Makes a worker of a connection: asks who it is, claims it for this master, and goes on with what it still runs for a dead
 * master, or ends that and what it runs for an earlier connection. Undefined when that failed; the connection is closed then.
 */
export async function attachWorker(options: AttachOptions): Promise<AttachedWorker | undefined> {
  const { link, config, directories, workerid, updates, persistence, log } = options;
  let claimed = false;
  try {
    const [info] = await Promise.all([link.getInfo(), link.configure({ directories })]);
    if ((await claim(options, info)).kind === "lost") {
      link.close(1013, "this worker is attached to another master");
      return undefined;
    }
    claimed = true;
    const kept = await sortOrphans(options, info);
    const worker = new AttachedWorker(workerid, config, link, info, options.rules);
    const [state] = await persistence.write(`read the state of worker ${config.name}`, () =>
      updates.workers.states([workerid]),
    );
    if (state) worker.follow(state);
    link.onShutdownRequest(() => void shutDownAfterBuilds(worker, options));
    await adoptAll(options, info, worker, kept);
    if (link.isOpen) return worker;
  } catch (error) {
    // A master that stops has closed the connection itself.
    if (!(error instanceof Abandoned) && !options.isRefusing()) {
      // A worker's mistake is logged as a sentence; a stack is for faults of ours.
      const why = workerFaults.some((fault) => error instanceof fault)
        ? { why: (error as Error).message }
        : { err: error };
      log.warn({ worker: config.name, ...why }, `worker ${config.name} could not be attached; it may try again`);
    }
    link.close(1011, "the worker could not be attached");
  }
  if (claimed)
    await persistence
      .write(`detach worker ${config.name}`, () => updates.workers.detach(workerid))
      .catch(() => undefined);
  return undefined;
}

/** Claims the worker, waiting a while for another master's claim to go. */
async function claim(options: AttachOptions, info: WorkerInfo): Promise<Claim> {
  const { link, config, workerid, updates, persistence, clock, log, isRefusing } = options;
  const end = clock.now() + parkedMs;
  for (let tries = 1; ; tries += 1) {
    const outcome = await persistence.write(`attach worker ${config.name}`, () =>
      updates.workers.attach(workerid, describeInfo(info), config.maxBuilds),
    );
    if (outcome.kind === "claimed" || !link.isOpen || isRefusing() || clock.now() >= end) return outcome;
    if (tries === 1) {
      log.info(
        { worker: config.name },
        `worker ${config.name} is attached to another master, which is asked whether it still answers`,
      );
    }
    await clock.sleep(parkedLookMs, persistence.signal);
  }
}

/** Finds what the worker may still run from before: returns what can go on here, and ends everything else. */
async function sortOrphans(options: AttachOptions, info: WorkerInfo): Promise<RecordedCommand[]> {
  const { link, config, workerid, updates, persistence, adopter, isRefusing } = options;
  const orphans = await persistence.write(`find commands of worker ${config.name}`, () =>
    updates.commands.ofWorker(workerid),
  );
  const waiting = orphans.filter(({ resumePoint }) => resumePoint !== null);
  const asks = waiting.length > 0 && info.commands[resumeCapability] !== undefined && !isRefusing();
  const known = new Set((asks ? await link.keptCommands() : []).map(({ id }) => id));
  const kept = waiting.filter((orphan) => known.has(orphan.commandId) && adopter.canAdopt(orphan));
  await interruptOrphans(
    options,
    info,
    orphans.filter((orphan) => !kept.includes(orphan)),
  );
  return kept;
}

async function adoptAll(
  options: AttachOptions,
  info: WorkerInfo,
  worker: AttachedWorker,
  kept: readonly RecordedCommand[],
): Promise<void> {
  const lost: RecordedCommand[] = [];
  for (const command of kept) if (!(await options.adopter.adopt(command, worker))) lost.push(command);
  await interruptOrphans(options, info, lost);
}

/** Ends commands, so that no two builds work in one directory; builds that waited for them are run again. */
async function interruptOrphans(
  { link, config, updates, persistence, clock, log }: AttachOptions,
  info: WorkerInfo,
  orphans: readonly RecordedCommand[],
): Promise<void> {
  if (orphans.length === 0) return;
  const ids = orphans.map((orphan) => orphan.commandId);
  // Otherwise the worker has killed them before it came back.
  if (link.commandsOutliveConnection) {
    log.info(
      { worker: config.name, commands: ids.length },
      `worker ${config.name} may still run ${ids.length} commands from before: they are ended`,
    );
    await Promise.all(ids.map((id) => link.interrupt(id, "its build is run again elsewhere")));
    await clock.sleep(orphanMs);
    if (info.commands[resumeCapability] !== undefined) await waitUntilEnded(link, ids, clock);
  }
  const waiting = orphans.flatMap(({ resumePoint, buildid }) =>
    resumePoint === null || buildid === null ? [] : [buildid],
  );
  if (waiting.length > 0)
    await persistence.write(`give up builds of worker ${config.name}`, () => updates.builds.giveUp(waiting));
  if (link.isOpen)
    await persistence.write(`forget commands of worker ${config.name}`, () => updates.commands.forgetLost(ids));
}

/** A command may take its time to end, and its directory and its locks are in use until then. */
async function waitUntilEnded(link: WorkerLink, ids: readonly string[], clock: Clock): Promise<void> {
  const end = clock.now() + endingMs;
  while (clock.now() < end && (await link.stillRunning(ids)).length > 0) await clock.sleep(parkedLookMs);
}

/** The worker's owner wants its process to end: as if a user had asked for it, so that any master sees it. */
async function shutDownAfterBuilds(
  worker: AttachedWorker,
  { updates, persistence, log }: AttachOptions,
): Promise<void> {
  worker.graceful = true;
  try {
    await persistence.write(`shut down worker ${worker.name}`, () =>
      updates.workers.setGraceful(worker.workerid, true),
    );
  } catch (error) {
    if (!(error instanceof Abandoned))
      log.warn(
        { worker: worker.name, err: error },
        `worker ${worker.name} asked to be shut down; that could not be written`,
      );
  }
}

function describeInfo({ version, descriptions }: WorkerInfo) {
  const { admin = null, host = null, access_uri = null } = descriptions;
  return { admin, host, access_uri, version };
}
