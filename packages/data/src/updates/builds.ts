import { fencedTransaction } from "@multimaster/cluster";
import { type Result, Results, type SourcedProperties } from "@multimaster/core";
import {
  type Connection,
  finishStep,
  getBuildState,
  getRebuildSource,
  holdRunningBuild,
  insertBuildProperties,
  insertStep,
  insertStopRequests,
  lockRequest,
  overdueAdoptableBuilds,
  readSteps,
  saveBuildProperties,
  setBuildState,
  stopRequestsOf,
} from "@multimaster/database";
import {
  type AdoptedBuild,
  adoptBuildOf,
  type BuildEnd,
  endUnadopted,
  finishBuilds,
  giveUpAdoptable,
  type NotedStep,
  type RetryByRule,
  type StartedBuild,
  startBuild,
  type WorkerVerdict,
} from "@multimaster/lifecycle";
import type { Events } from "../events/events.ts";
import { anonymousActor, type Trail } from "../model/actor.ts";
import { writtenStop } from "../model/control-messages.ts";
import { builds } from "../resources/builds.ts";
import { steps } from "../resources/steps.ts";
import { type AddedBuildset, addBuildset, type NewBuildset, publishBuildset } from "./add-buildset.ts";
import { batched } from "./batched.ts";
import { writeOptions } from "./gathered-writes.ts";
import type { Lost } from "./lost.ts";
import { type Rerun, type RerunResult, rerunBuilds } from "./rerun-builds.ts";
import { publishBegun } from "./steps.ts";
import type { UpdateContext } from "./update-context.ts";

export interface StopRequest {
  buildid: number;
  reason: string;
  results: Result;
  /** A user has asked again: clean-up ends, too. */
  isRepeated: boolean;
}

export type { AdoptedBuild, BuildEnd, RetryByRule, WorkerVerdict };

export interface NewBuild {
  buildrequestid: number;
  workerid: number;
  /** What is written in the same transaction. */
  opening?: Opening;
}

export interface Opening {
  /** What the build does first. */
  state: string;
  /** The properties that it begins with; called with its number, maybe more than once. */
  propertiesOf(number: number): SourcedProperties;
  /** The steps that it begins with: the last one runs, those before have ended. */
  steps: readonly OpeningStep[];
}

export interface OpeningStep {
  name: string;
  end?: { results: Result; state: string } | undefined;
}

export interface CreatedBuild extends Omit<StartedBuild, "adopted"> {
  /** Of the steps that it began with. */
  steps: readonly { stepid: number; name: string }[];
}

export interface BuildUpdates {
  /**
   * Inserts the build row with the builder's next number, its properties and first steps (fenced; the request's claim is
   * checked). Called again because the answer was lost, it returns the same build.
   */
  create(build: NewBuild): Promise<CreatedBuild | Lost>;
  setState(buildid: number, state: string): Promise<void>;
  /** Upserts the given properties (fenced) and publishes only them. */
  setProperties(buildid: number, properties: SourcedProperties): Promise<void>;
  /**
   * Ends the build and everything above it in one fenced transaction: RETRY releases the request for any engine (unless it
   * was cancelled), any other result completes it, and the last request completes its buildset with the worst result.
   * A RETRY whose worker was lost is counted; one too many ends the request as EXCEPTION. Resolves to how the build ended.
   */
  finish(buildid: number, end: BuildEnd): Promise<BuildEnd>;
  /**
   * Takes over a build that waits for an engine, with the claim of its request (fenced). Lost: another engine has it, or it
   * was given up.
   */
  adopt(buildid: number): Promise<AdoptedBuild | Lost>;
  /** Ends builds that wait for an engine (fenced): their worker is attached here, and they cannot be resumed. */
  giveUp(buildids: readonly number[]): Promise<void>;
  /** Ends builds that have waited for an engine for too long. Every master's loop runs it. */
  endUnadopted(): Promise<void>;
  /** Asks the engine that runs the build to stop it: durable, then a `control.builds.<id>.stop` message. */
  requestStop(buildid: number, reason: string, trail?: Trail): Promise<"stopping" | "complete" | "unknown">;
  /** Stop requests for these running builds; the engine also polls them. */
  stopRequests(buildids: readonly number[]): Promise<StopRequest[]>;
  /** Runs builds again that a reporter has shown at a forge, where a user has asked for it. */
  rerun(rerun: Rerun): Promise<RerunResult>;
  /** A new buildset of the same source stamps, properties and builder, linked to the first build of the chain. */
  rebuild(
    buildid: number,
    by?: { readonly asker: NonNullable<NewBuildset["askedBy"]>; readonly trail: Trail },
  ): Promise<AddedBuildset | "unknown">;
}

export function createBuildUpdates(context: UpdateContext): BuildUpdates {
  const { database, lease, events, track, publishOutcomes, write, log } = context;
  const { masterid } = lease;
  const finish = batched(async (ended: readonly { buildid: number; end: BuildEnd }[]) => {
    const { result, outcomes } = await fencedTransaction(database, lease, (tx) => finishBuilds(tx, lease, ended));
    await publishOutcomes(outcomes);
    return ended.map(({ buildid, end }) => result.get(buildid) ?? end);
  }, writeOptions(database));
  return {
    create: (build) => create(context, build),
    async setState(buildid, state) {
      if (await write(`build ${buildid}`, (tx) => setBuildState(tx, buildid, masterid, state)))
        await track(events.of(builds).update([buildid]));
    },
    async setProperties(buildid, properties) {
      if (Object.keys(properties).length === 0) return;
      const running = await write(`build ${buildid}`, async (tx) => {
        if (!(await holdRunningBuild(tx, buildid, masterid))) return false;
        await saveBuildProperties(tx, buildid, properties);
        return true;
      });
      if (running) await track(events.publishProperties(buildid, properties));
      else
        log.warn(
          { buildid, properties: Object.keys(properties) },
          "properties of a build that does not run here are not saved",
        );
    },
    finish: (buildid, end) => finish({ buildid, end }),
    async adopt(buildid) {
      const adopted = await fencedTransaction(database, lease, (tx) => adoptBuildOf(tx, lease, buildid));
      if (adopted === undefined) return "lost";
      await track(events.of(builds).update([buildid]));
      return adopted;
    },
    async giveUp(buildids) {
      await publishOutcomes(await fencedTransaction(database, lease, (tx) => giveUpAdoptable(tx, buildids)));
    },
    async endUnadopted() {
      // There hardly ever is one.
      if ((await overdueAdoptableBuilds(database)).length === 0) return;
      const outcomes = await database.transaction((tx) => endUnadopted(tx));
      await publishOutcomes(outcomes);
    },
    requestStop: (buildid, reason, trail) => requestStop(context, buildid, reason, trail),
    async stopRequests(buildids) {
      const rows = await stopRequestsOf(database, buildids);
      return rows.map(({ buildid, reason, results, asked_again }) => ({
        buildid,
        reason,
        results: results as Result,
        isRepeated: asked_again === 1,
      }));
    },
    rebuild: (buildid, by) => rebuild(context, buildid, by),
    rerun: (wanted) => rerunBuilds(context, wanted),
  };
}

const nothingElse: Opening = { state: "preparing worker", propertiesOf: () => ({}), steps: [] };

/** The order of Buildbot's events: the first step, properties, state, the build itself, then what comes next. */
async function create(context: UpdateContext, build: NewBuild): Promise<CreatedBuild | Lost> {
  const { lease, events, write, track, publishOutcomes, steps: notes } = context;
  const { opening = nothingElse, buildrequestid, workerid } = build;
  const reading = notes.prepare();
  if (reading) await reading;
  const row = { buildrequestid, workerid, state: opening.state, steps: opening.steps.length };
  const {
    build: created,
    opened,
    outcomes,
  } = await write(`request ${buildrequestid}`, async (tx) => {
    const started = await startBuild(tx, lease, row, (begun) => openBuild(tx, begun, opening));
    if (started.build?.adopted === false)
      await notes.begun(tx, listBegun(started.build.buildid, opening, started.opened));
    return started;
  });
  await publishOutcomes(outcomes);
  if (!created || !opened) return "lost";
  const { adopted: _, ...started } = created;
  if (build.opening) await track(publishOpened(events, started.buildid, opening, opened));
  return { ...started, steps: opened.steps };
}

const listBegun = (buildid: number, opening: Opening, opened: Opened | undefined): NotedStep[] =>
  (opened?.steps ?? []).map(({ stepid, name }, number) => ({
    stepid,
    buildid,
    number,
    name,
    results: opening.steps[number]?.end?.results,
  }));

interface Opened {
  readonly properties: SourcedProperties;
  readonly steps: CreatedBuild["steps"];
}

async function openBuild(tx: Connection, build: StartedBuild, opening: Opening): Promise<Opened> {
  const { buildid } = build;
  const properties = opening.propertiesOf(build.number);
  const known = build.adopted ? await readSteps(tx, buildid) : [];
  const [rows] = await Promise.all([
    Promise.all(
      opening.steps.map(async (step, number) => {
        const row = known[number];
        if (row && step.end) await finishStep(tx, row.id, { ...step.end, hidden: false });
        return row ?? insertStep(tx, { buildid, number, ...step });
      }),
    ),
    build.adopted ? saveBuildProperties(tx, buildid, properties) : insertBuildProperties(tx, buildid, properties),
  ]);
  return { properties, steps: rows.map(({ id, name }) => ({ stepid: id, name })) };
}

/** Asked for at once, which keeps their order, so that one query reads all steps. */
async function publishOpened(events: Events, buildid: number, opening: Opening, { properties, steps: begun }: Opened) {
  await Promise.all(
    begun.flatMap(({ stepid }, i) => [
      publishBegun(events, stepid),
      opening.steps[i]?.end && events.of(steps).finished([stepid]),
      ...(i > 0
        ? []
        : [
            events.publishProperties(buildid, properties),
            events.of(builds).update([buildid]),
            events.of(builds).new([buildid]),
          ]),
    ]),
  );
}

async function requestStop(
  context: UpdateContext,
  buildid: number,
  reason: string,
  trail: Trail | undefined,
): Promise<"stopping" | "complete" | "unknown"> {
  const { database, events, track } = context;
  const answer = await database.transaction(async (tx) => {
    const build = await getBuildState(tx, buildid);
    if (!build) return "unknown";
    // After the request's lock, so that the build cannot end between the check and the write.
    await lockRequest(tx, build.buildrequestid);
    const running = await insertStopRequests(tx, { buildid }, { reason, results: Results.CANCELLED, mayRepeat: true });
    if (running.length > 0) await trail?.(tx);
    return running.length > 0 ? "stopping" : "complete";
  });
  if (answer === "stopping") await track(events.publishControl("builds", buildid, "stop", writtenStop(reason)));
  return answer;
}

async function rebuild(context: UpdateContext, buildid: number, by: Parameters<BuildUpdates["rebuild"]>[1]) {
  const asker = by?.asker.identity === anonymousActor.identity ? undefined : by?.asker;
  const added = await context.database.transaction(async (tx) => {
    const source = await getRebuildSource(tx, buildid);
    if (!source) return "unknown";
    await by?.trail(tx);
    return addBuildset(tx, {
      reason: asker === undefined ? "rebuild" : `rebuild of build ${buildid}, asked for by '${asker.name}'`,
      scheduler: "rebuild",
      sourceStamps: source.sourcestampids,
      builders: [source.builderid],
      // The user who asked for the former build did not ask for this one.
      properties: asker === undefined ? source.properties : { ...source.properties, owner: [asker.name, "Rebuild"] },
      askedBy: asker,
      externalId: source.externalId,
      priority: source.priority,
      parentBuildid: source.parentBuildid,
      parentRelationship: source.parentRelationship,
      rebuiltBuildid: source.rebuiltBuildid ?? buildid,
    });
  });
  if (added !== "unknown") await publishBuildset(context, added, "rebuild");
  return added;
}
