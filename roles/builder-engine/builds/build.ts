import { isDeepStrictEqual } from "node:util";
import { formatDuration, Properties, type Result, Results, type SourcedProperties } from "@multimaster/core";
import type { CreatedBuild, Data, RequestDetails, ResumeNote, WorkerVerdict } from "@multimaster/data";
import type { StepDefinition } from "@multimaster/plugins";
import type { EngineParts } from "../engine-parts.ts";
import { adoptLocks, noLocks } from "../locks/lock-uses.ts";
import type { BuildLocks } from "../locks/request-locks.ts";
import type { Secrets } from "../logs/secrets.ts";
import type { BuildScope } from "../steps/build-scope.ts";
import { combine, type Interruption } from "../steps/interruption.ts";
import { PlannedSteps, planSteps } from "../steps/planned-steps.ts";
import { StepProperties } from "../steps/step-values.ts";
import type { AttachedWorker } from "../workers/attached-worker.ts";
import { findBuilddir } from "../workers/worker-paths.ts";
import { BuildDeadline } from "./build-deadline.ts";
import { makeBuildProperties } from "./build-properties.ts";
import { BuildSteps } from "./build-steps.ts";
import type { ConfiguredBuilder } from "./configured-builder.ts";
import { describeResults, describeStop } from "./describe-results.ts";
import { findRetry } from "./find-retry.ts";
import { forkPropertyOf, isForkBuild, nameForkDirectory } from "./fork-build.ts";
import { judgeWorker } from "./judge-worker.ts";
import { Abandoned } from "./persistence.ts";
import { type Adoption, isWhollyStored, type ResumePoint } from "./resume-point.ts";
import { judgePatches } from "./unread-patch.ts";

interface Created extends CreatedBuild {
  request: RequestDetails;
  properties: Properties;
}

/** How the preparation of the worker ended; `ready`: steps follow. */
interface Preparation {
  ready: boolean;
  results: Result;
  state: string;
}

/**
 * One build of a claimed request: row, properties, worker preparation, steps, result. Each write is committed before what
 * depends on it happens, so that the rows of a dead master's build show how far it came.
 */
export class Build {
  readonly buildrequestid: number;
  readonly builder: ConfiguredBuilder;
  readonly worker: AttachedWorker;
  #engine: EngineParts;
  #onCreated: () => void;
  /** What it has from its beginning to its end. */
  #locks: BuildLocks;
  #adoption: Adoption | undefined;
  #deadline: BuildDeadline | undefined;
  #interruption: Interruption | undefined;
  #steps: BuildSteps | undefined;
  #buildid: number | undefined;
  /** What this build may use and must not show, what its steps learn included. */
  #secrets: Secrets;
  /** Of the secrets when the properties were last written. */
  #hidden: object | undefined;

  /** `onCreated` is called when the build has its row. `adoption`: it goes on from there, instead of being created. */
  constructor(
    buildrequestid: number,
    builder: ConfiguredBuilder,
    worker: AttachedWorker,
    engine: EngineParts,
    onCreated: () => void,
    { adoption, locks = noLocks }: { readonly adoption?: Adoption; readonly locks?: BuildLocks | undefined } = {},
  ) {
    this.#adoption = adoption;
    // What they gave as properties is among those of the build.
    this.#locks = adoption === undefined ? locks : adoptLocks(adoption.build.holdids, builder);
    this.buildrequestid = buildrequestid;
    this.builder = builder;
    this.worker = worker;
    this.#engine = engine;
    this.#onCreated = onCreated;
    // Until its request is read, nothing says that it is not a fork's.
    this.#secrets = builder.secrets.forFork(false);
  }

  /** Known once the row is made. */
  get buildid(): number | undefined {
    return this.#buildid;
  }

  interrupt(interruption: Interruption): void {
    this.#interruption = combine(this.#interruption, interruption);
    this.#steps?.interrupt(this.#interruption);
  }

  /** Resolves when the build is over: finished in the database, or abandoned. Never rejects. */
  async run(): Promise<void> {
    const { clock, log } = this.#engine;
    const { maxTime } = this.builder.config;
    const ranMs = (this.#adoption?.build.elapsedS ?? 0) * 1000;
    const deadline = new BuildDeadline(clock, { maxMs: maxTime, ranMs }, () => this.#runOutOfTime());
    this.#deadline = deadline;
    const stopWatching = this.worker.onLinkEnd(() =>
      this.interrupt({ kind: "lost", reason: this.worker.loss, results: Results.RETRY }),
    );
    try {
      const created = await this.#create();
      // Who waits for the same locks need not wait for a poll.
      if (created === "lost") return await this.#engine.locks.release("build", this.#locks.holdids);
      this.#buildid = created.buildid;
      this.#onCreated();
      const end = await this.#perform(created);
      await this.#finish(created.buildid, end);
    } catch (error) {
      if (error instanceof Abandoned)
        log.info({ buildid: this.#buildid }, `build ${this.#buildid ?? "?"} is abandoned: ${error.message}`);
      // The claim stays until the distributor notices that no one works for it, so that a fault is not repeated immediately.
      else
        log.error(
          { buildrequestid: this.buildrequestid, buildid: this.#buildid, err: error },
          "a build could not be written",
        );
    } finally {
      deadline.cancel();
      stopWatching();
    }
  }

  #runOutOfTime(): void {
    const reason = `the build has run longer than ${formatDuration(this.builder.config.maxTime ?? 0)} (maxTime)`;
    this.interrupt({ kind: "stopped", reason, results: Results.FAILURE });
  }

  async #create(): Promise<Created | "lost"> {
    const { data, persistence, log } = this.#engine;
    const { buildrequestid } = this;
    const adoption = this.#adoption;
    const [request, preparation] = await Promise.all([
      persistence.write(`read request ${buildrequestid}`, () => data.updates.buildrequests.details(buildrequestid)),
      adoption === undefined ? this.#prepare() : undefined,
    ]);
    if (request && adoption) return this.#continueRow(request, adoption);
    const created = request && preparation && (await this.#createRow(request, preparation));
    if (created) return created;
    log.info({ buildrequestid }, `build request ${buildrequestid} is no longer this master's`);
    return "lost";
  }

  #continueRow(request: RequestDetails, { build }: Adoption): Created {
    this.#secrets = this.#takeSecrets(request);
    const properties = Properties.from(build.properties);
    // They are stored.
    properties.takeChanged();
    this.#hidden = this.#secrets.version;
    const { buildid, number, builderid } = build;
    return { buildid, number, builderid, steps: [], request, properties };
  }

  /** The row, the preparation of the worker that is over, and the first step are one write. */
  async #createRow(request: RequestDetails, { ready, results, state }: Preparation): Promise<Created | undefined> {
    const { data, persistence } = this.#engine;
    const { buildrequestid } = this;
    this.#secrets = this.#takeSecrets(request);
    const first = ready ? this.#nameFirstStep() : undefined;
    let properties: Properties | undefined;
    const created = await persistence.write(`create a build of request ${buildrequestid}`, () =>
      data.updates.builds.create({
        buildrequestid,
        workerid: this.worker.workerid,
        opening: {
          state: ready ? "building" : "preparing worker",
          steps: [
            { name: "worker_preparation", end: { results, state } },
            ...(first === undefined ? [] : [{ name: first }]),
          ],
          propertiesOf: (number) => {
            properties = this.#makeProperties(number, request);
            return this.#takeShown(properties);
          },
        },
      }),
    );
    if (created === "lost" || properties === undefined) return undefined;
    const [preparation] = created.steps;
    if (preparation && this.worker.terms !== undefined) await this.#addStartLog(preparation.stepid);
    return { ...created, request, properties };
  }

  /** What the start of an instance of a latent worker reported. */
  async #addStartLog(stepid: number): Promise<void> {
    const { data, persistence } = this.#engine;
    const text = await persistence.write(`read the start of worker ${this.worker.name}`, () =>
      data.updates.instances.startLog(this.worker.workerid),
    );
    if (!text) return;
    const lines = this.#secrets.hide(text.endsWith("\n") ? text : `${text}\n`);
    await persistence.write(`add the start of worker ${this.worker.name}`, () =>
      data.updates.logs.add({ stepid, name: "instance", type: "t" }, lines, true),
    );
  }

  #nameFirstStep(): string | undefined {
    const [first] = this.builder.config.steps;
    if (first === undefined) return undefined;
    const { plugin, options } = first;
    const definition = plugin as StepDefinition;
    return this.#secrets.hide(definition.nameOf(options as Readonly<Record<string, unknown>>));
  }

  /** Everything between the row's first and last write. An unexpected error is the build's result, not its loss. */
  async #perform(created: Created): Promise<BuildEnd> {
    const { buildid } = created;
    try {
      if (this.#interruption !== undefined) return this.#describeInterrupted();
      if (this.#locks.problem !== undefined) return { results: Results.EXCEPTION, state: this.#locks.problem };
      return await this.#runSteps(created);
    } catch (error) {
      if (error instanceof Abandoned) throw error;
      if (this.#engine.persistence.isPassing(error)) {
        this.#engine.log.warn({ buildid, err: error }, `build ${buildid} is given up because of the database`);
        return { results: Results.RETRY, state: "given up because of the database" };
      }
      this.#engine.log.error({ buildid, err: error }, `build ${buildid} failed unexpectedly`);
      return { results: Results.EXCEPTION, state: "exception in the master" };
    }
  }

  /** Whether the worker answers. */
  async #prepare(): Promise<Preparation> {
    const answered = await this.worker.link.ping().then(
      () => true,
      () => false,
    );
    // A connection on which nothing comes back is no connection; the worker will make a new one.
    if (!answered) this.worker.link.terminate();
    if (!answered) await this.worker.link.closed;
    const interrupted = this.#interruption;
    if (interrupted?.kind === "abandoned") throw new Abandoned(interrupted.reason);
    if (interrupted === undefined)
      return { ready: true, results: Results.SUCCESS, state: `worker ${this.worker.name} ready` };
    const state = answered ? interrupted.reason : `worker ${this.worker.name} does not answer`;
    return { ready: false, results: interrupted.results, state };
  }

  async #runSteps(created: Created): Promise<BuildEnd> {
    const { properties } = created;
    const scope = this.#makeScope(created);
    const [, first] = created.steps;
    const steps = new BuildSteps({
      scope,
      adoption: this.#adoption,
      begun: first,
      hash: this.builder.hash,
      interruption: () => this.#interruption,
      note: (point) => this.#noteResume(point, properties),
      onStepEnd: () => this.#saveProperties(created.buildid, properties),
    });
    this.#steps = steps;
    const { standing, texts } = await steps.run();
    if (this.#interruption !== undefined) return this.#describeInterrupted(texts);
    const { results, text } = standing;
    return judgePatches({ results, state: text ?? describeResults(results, texts) }, scope);
  }

  /** With this, the step that runs can go on at another engine; undefined: it cannot. */
  #noteResume(point: ResumePoint, properties: Properties): ResumeNote | undefined {
    const { adoptWithinMs } = this.#engine;
    if (adoptWithinMs === null || !this.worker.canKeepCommands) return undefined;
    return isWhollyStored(properties, this.#secrets) ? { adoptWithinMs, point } : undefined;
  }

  #describeInterrupted(texts: readonly string[] = []): BuildEnd {
    const { kind, reason, results } = this.#interruption as Interruption;
    if (kind === "abandoned") throw new Abandoned(reason);
    if (results === Results.RETRY) return { results, state: reason };
    const state = describeStop(results, reason, texts);
    if (kind !== "lost") return { results, state };
    return { results, state: `${state}; ${this.worker.loss} first: what was left of its clean-up did not run` };
  }

  #makeProperties(buildNumber: number, request: RequestDetails): Properties {
    const { builder, worker } = this;
    const properties = makeBuildProperties({
      request,
      builder: { builderid: builder.builderid, name: builder.name, properties: builder.config.properties },
      worker: { name: worker.name, basedir: worker.info.basedir, properties: worker.config.properties },
      buildNumber,
      builddir: this.#findBuilddir(request),
    });
    for (const [name, resource] of Object.entries(this.#locks.properties)) properties.set(name, resource, "Lock");
    return properties;
  }

  #takeSecrets(request: RequestDetails): Secrets {
    const { secrets, config } = this.builder;
    return isForkBuild(request) ? secrets.forFork(config.secretsForForks) : secrets.forBuild();
  }

  #makeScope({ buildid, number, builderid, request, properties }: Created): BuildScope {
    const { logMaxSize, logMaxTailSize, maxLogs } = this.builder.config;
    return {
      engine: this.#engine,
      worker: this.worker,
      environment: this.builder.config.env,
      properties,
      stepProperties: new StepProperties(),
      secrets: this.#secrets,
      isFork: isForkBuild(request),
      forkProperty: forkPropertyOf(request),
      limits: { maxSize: logMaxSize, maxTailSize: logMaxTailSize, maxLogs },
      builddir: this.#findBuilddir(request),
      heldLocks: this.#locks.uses,
      whileLocked: (wait) => this.#deadline?.during(wait) ?? wait(),
      planned: new PlannedSteps(planSteps(this.builder.config.steps, this.#adoption?.point.step)),
      patchesRead: new Set(this.#adoption?.point.patches),
      build: {
        buildid,
        buildrequestid: this.buildrequestid,
        number,
        builderName: this.builder.name,
        url: this.#addressOf(builderid, number),
        results: Results.SUCCESS,
        reason: request.reason,
        sources: request.sourceStamps,
        changes: request.changes,
      },
    };
  }

  /** An address that begins nowhere would be wrong outside of the pages. */
  #addressOf(builderid: number, number: number): string | undefined {
    const { siteUrl } = this.#engine;
    return siteUrl === "" ? undefined : `${siteUrl}#/builders/${builderid}/builds/${number}`;
  }

  #findBuilddir(request: RequestDetails): string {
    const own = findBuilddir(this.worker.info, this.builder.config);
    return this.builder.config.directoryForForks && isForkBuild(request) ? nameForkDirectory(own) : own;
  }

  async #saveProperties(buildid: number, properties: Properties): Promise<void> {
    const changed = this.#takeShown(properties);
    if (Object.keys(changed).length === 0) return;
    await this.#write("set properties", (builds) => builds.setProperties(buildid, changed));
  }

  /** What has changed in the properties, as it may be shown. */
  #takeShown(properties: Properties): SourcedProperties {
    const secrets = this.#secrets;
    const set = properties.takeChanged();
    // What a step has learnt may have been in a property from the beginning.
    const all = secrets.version === this.#hidden ? set : properties.toJSON();
    this.#hidden = secrets.version;
    const changed = Object.entries(all).flatMap(([name, [value, source]]) => {
      const shown = secrets.hideIn(value);
      if (!Object.hasOwn(set, name) && isDeepStrictEqual(shown, value)) return [];
      return [[secrets.hide(name), [shown, source] as const] as const];
    });
    return Object.fromEntries(changed);
  }

  async #finish(buildid: number, end: BuildEnd): Promise<void> {
    const { data, persistence } = this.#engine;
    const connectionLost = this.#interruption?.kind === "lost";
    const isStoppedAtOnce = this.#interruption?.atOnce === true;
    const isLost = connectionLost || isStoppedAtOnce;
    // A connection that this master closes, as of a worker that was revoked, says nothing about the request.
    const countsAsLoss = isStoppedAtOnce || (connectionLost && !this.worker.leaving);
    const verdict = judgeWorker(this.worker, { buildid, results: end.results, isLost: connectionLost });
    // A build that a user has stopped is not run again.
    const isMachine = verdict?.failure?.kind === "machine";
    const retry = findRetry(this.builder.config.retry, { ...end, isLost, isMachine });
    const wanted = {
      ...end,
      state: this.#secrets.hide(end.state),
      ...(countsAsLoss ? { maxWorkerLosses: this.builder.config.maxWorkerLosses } : {}),
      ...(this.#interruption === undefined ? { asksAgain: true } : {}),
      ...(verdict === undefined ? {} : { worker: hideCause(this.#secrets, verdict) }),
      ...(retry !== undefined && (this.#interruption === undefined || isLost) ? { retry } : {}),
    };
    const { results, state } = await persistence.insist(`finish build ${buildid}`, () =>
      data.updates.builds.finish(buildid, wanted),
    );
    await this.#engine.locks.release("build", this.#locks.holdids);
    this.#engine.onFinished(results);
    this.#engine.log.info({ buildid, builder: this.builder.name, results }, `build ${buildid} ended: ${state}`);
  }

  #write<T>(what: string, write: (builds: Data["updates"]["builds"]) => Promise<T>): Promise<T> {
    return this.#engine.persistence.write(`${what} of build ${this.#buildid}`, () =>
      write(this.#engine.data.updates.builds),
    );
  }
}

/** The worker's error may repeat arguments of a command. */
function hideCause(secrets: Secrets, { failure, ...verdict }: WorkerVerdict): WorkerVerdict {
  return { ...verdict, failure: failure && { ...failure, cause: secrets.hide(failure.cause) } };
}

interface BuildEnd {
  results: Result;
  state: string;
}
