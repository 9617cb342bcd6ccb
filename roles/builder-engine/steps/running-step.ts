import { render, secretsIn } from "@multimaster/config";
import { onAbort, type Result, Results, resultName } from "@multimaster/core";
import {
  ArtifactRefused,
  BadRendering,
  CommandException,
  describeThrown,
  type Environment,
  MasterRefused,
  type StepDefinition,
  type StepEnd,
  type StepRenderContext,
  StepStopped,
  StepsRefused,
  StepValueRefused,
  TriggerRefused,
  WorkerLost,
} from "@multimaster/plugins";
import { Abandoned } from "../builds/persistence.ts";
import { toHeldLocks, toLockUse } from "../locks/lock-uses.ts";
import { LatestWriter } from "../logs/latest-writer.ts";
import { StepLogs } from "../logs/step-logs.ts";
import { AnnouncedSteps } from "./announced-steps.ts";
import type { BuildScope } from "./build-scope.ts";
import { combine, type Interruption } from "./interruption.ts";
import { createStepRenderContext } from "./render-context.ts";
import { StepAdditions } from "./step-additions.ts";
import { StepCommands, type StepResume } from "./step-commands.ts";
import { createStepContext, type StepParts } from "./step-context.ts";
import { StepGroup } from "./step-group.ts";
import { runAttempts } from "./step-retry.ts";
import { StepTriggers } from "./step-triggers.ts";
import type { Turns } from "./turns.ts";

/** Grace period for a stopped step's code once its commands have ended, in milliseconds. */
const graceMs = 2000;

/** A step that has its row. */
export interface BegunStep {
  readonly stepid: number;
  readonly name: string;
  /** Its row says that it is pending. */
  readonly isPending?: true;
}

export interface StepOutcome {
  results: Result;
  /** The step's last state text. */
  text: string;
  /** Set: the build ends with it. */
  build?: StepEnd["build"];
  /** Only steps that always run follow. */
  halts?: boolean;
}

/** One step of one build, from its row to its result. */
export class RunningStep {
  #step: StepDefinition;
  #options: Readonly<Record<string, unknown>>;
  #scope: BuildScope;
  #abort = new AbortController();
  #interruption: Interruption | undefined;
  #commands: StepCommands | undefined;
  /** The steps that run as its parts. */
  #group: StepGroup | undefined;

  #begun: BegunStep | undefined;
  /** The locks that it has. */
  #holdids: readonly number[] = [];
  #resume: StepResume | undefined;

  /** `begun`: its row, if it was written with that of its build, or by an engine that was lost. */
  constructor(step: StepDefinition, options: unknown, scope: BuildScope, begun?: BegunStep, resume?: StepResume) {
    this.#step = step;
    this.#options = options as Readonly<Record<string, unknown>>;
    this.#scope = scope;
    this.#begun = begun;
    this.#resume = step.resumable ? resume : undefined;
  }

  /** The step's commands are interrupted, its signal aborts, and its result follows from the interruption. */
  interrupt(interruption: Interruption): void {
    this.#interruption = combine(this.#interruption, interruption);
    this.#commands?.interrupt(this.#interruption);
    this.#group?.interrupt(this.#interruption);
    this.#abort.abort(new StepStopped(interruption.reason));
  }

  /** How long it may take to end when it is interrupted. */
  get patienceMs(): number {
    return Math.max(this.#commands?.patienceMs ?? 0, this.#group?.patienceMs ?? 0) + graceMs;
  }

  /** Runs it to its end, whatever that is. Rejects only when nothing may or can be written any more. */
  async run(): Promise<StepOutcome> {
    const { engine, worker, build, secrets } = this.#scope;
    const { data, persistence, ledger, clock, watchdog, log } = engine;
    const { steps } = data.updates;
    const { stepid, name } = await this.#begin();
    const { limits } = this.#scope;
    const resume = this.#resume;
    const stored = resume?.begun?.logs ?? new Map();
    const logs = new StepLogs({ stepid, updates: data.updates.logs, persistence, clock, secrets, limits, stored });
    const place = { builder: build.builderName, step: name, buildid: build.buildid };
    const enter = async () => {
      await new Promise(setImmediate);
      watchdog.enter(place);
    };
    const leave = () => watchdog.leave(place);
    const state = new LatestWriter<string>((text) =>
      persistence.write(`set state of step ${stepid}`, () => steps.setState(stepid, text)),
    );
    let shown = "";
    const setState = (text: string) => {
      shown = toLine(secrets.hide(text));
      state.set(shown);
    };
    const commands = new StepCommands({
      worker,
      ledger,
      logs,
      clock,
      buildid: build.buildid,
      stepid,
      resume,
      onWait: leave,
      onReturn: enter,
    });
    this.#commands = commands;
    if (this.#interruption !== undefined) commands.interrupt(this.#interruption);

    const turns = { enter, leave };
    const triggers = this.#makeTriggers(name, turns);
    const additions = new StepAdditions({ scope: this.#scope, stepid, name, onWait: leave, onReturn: enter });
    const group = this.#makeGroup(name, additions, turns);
    this.#group = group;
    const announced = new AnnouncedSteps({ scope: this.#scope, additions, onWait: leave, onReturn: enter });
    const parts: StepParts = {
      ...{ name, stepid, logs, commands, triggers, additions, announced, setState, turns },
      group,
    };
    const end = await this.#runCode(parts).finally(async () => {
      await group.close();
      leave();
      commands.close();
    });
    const text = toLine(secrets.hide(describeEnd(end, shown)));
    // A log or a state that cannot be stored must not leave the step open for ever.
    for (const failure of await settle([announced.endAll(end.results), logs.finish(), state.flush()])) {
      if (failure instanceof Abandoned || persistence.isPassing(failure)) throw failure;
      log.error({ stepid, err: failure }, `a log of step ${stepid} could not be stored`);
      end.results = Results.EXCEPTION;
    }
    const hidden = this.#isHidden(end.results);
    // The commands that have completed are forgotten in the same transaction.
    const forgotten = ledger.flush();
    await persistence.write(`finish step ${stepid}`, () =>
      steps.finish(stepid, { results: end.results, state: text, hidden }),
    );
    // A lock is not free while the row of a command says that it may still run.
    if (this.#holdids.length > 0) await forgotten;
    await engine.locks.release("step", this.#holdids);
    const ending =
      end.build?.text === undefined ? end.build : { ...end.build, text: toLine(secrets.hide(end.build.text)) };
    return { results: end.results, text, build: ending, halts: end.halts === true };
  }

  async #begin(): Promise<BegunStep> {
    const { engine, build, secrets } = this.#scope;
    const { buildid } = build;
    const begun = this.#begun;
    if (begun?.isPending)
      await engine.persistence.write(`start step ${begun.stepid}`, () => engine.data.updates.steps.start(begun.stepid));
    if (begun !== undefined) return begun;
    const name = secrets.hide(this.#step.nameOf(this.#options));
    return engine.persistence.write(`begin step "${name}" of build ${buildid}`, () =>
      engine.data.updates.steps.begin({ buildid, name }),
    );
  }

  async #runCode(parts: StepParts): Promise<StepEnd> {
    const { logs, triggers, turns } = parts;
    let end: StepEnd;
    try {
      const rendering = createStepRenderContext(this.#scope, parts.commands);
      await this.#fetchSecrets();
      await turns.enter();
      if (!(await this.#step.isWanted(this.#options, rendering))) return { results: Results.SKIPPED };
      await this.#takeLocks(parts, rendering);
      const environment = await this.#renderEnvironment(rendering);
      const { signal } = this.#abort;
      const ctx = createStepContext(this.#scope, parts, { rendering, environment, signal });
      await turns.enter();
      const retry = this.#scope.isStopped ? undefined : this.#step.retryOf(this.#options);
      const attempts = runAttempts(ctx, retry, (attempt) => {
        triggers.beginAttempt(attempt);
        return this.#step.run(ctx, this.#options);
      });
      end = await this.#unlessUnresponsive(attempts);
    } catch (error) {
      if (error instanceof Abandoned) throw error;
      end = await this.#judgeError(error, logs);
    }
    const interruption = this.#interruption;
    if (interruption === undefined) {
      if (end.results === Results.FAILURE || end.results === Results.EXCEPTION)
        await triggers.cancel(`needs it no more: "${parts.name}" has ended (${end.reason ?? resultName(end.results)})`);
      return end;
    }
    const { kind, reason, results } = interruption;
    if (kind === "abandoned") throw new Abandoned(reason);
    if (results === Results.CANCELLED) await writeLog(logs, "cancelled", reason);
    // A build that is run again takes up what it waited for.
    if (results !== Results.RETRY) await triggers.cancel(`was stopped: ${reason}`);
    const { summary } = end;
    return {
      results,
      ...(summary === undefined ? {} : { summary }),
      ...(results === Results.FAILURE ? { reason } : {}),
    };
  }

  /** Those that its options and the builder's environment name. */
  async #fetchSecrets(): Promise<void> {
    const names = secretsIn([this.#options, this.#scope.environment]);
    try {
      await this.#scope.secrets.fetch(names);
    } catch (error) {
      throw new BadRendering(error instanceof Error ? error.message : String(error));
    }
  }

  /** All of them together, after which the step's own time begins. */
  async #takeLocks({ name, stepid, turns }: StepParts, rendering: StepRenderContext): Promise<void> {
    const { engine, worker, properties, build } = this.#scope;
    const uses = await this.#step.locksOf(this.#options, rendering);
    if (uses.length === 0) return;
    const refusal = engine.locks.refuse(uses, this.#scope.heldLocks);
    if (refusal !== undefined) throw new BadRendering(`The step's locks are invalid for this build: ${refusal}`);
    turns.leave();
    const { buildrequestid } = build;
    const wish = { buildrequestid, stepid, uses: uses.map((use) => toLockUse(use, worker)) };
    const taken = await this.#scope.whileLocked(() => engine.locks.take(wish, this.#abort.signal));
    const held = toHeldLocks(uses, taken);
    this.#holdids = held.holdids;
    for (const [key, resource] of Object.entries(held.properties)) properties.set(key, resource, name);
    await turns.enter();
  }

  /** A step whose code does not stop by itself is left behind, some time after its commands have ended. */
  #unlessUnresponsive(running: Promise<StepEnd>): Promise<StepEnd> {
    const { signal } = this.#abort;
    const unresponsive = new Promise<never>((_resolve, reject) => {
      const wait = () => {
        this.#scope.engine.clock.after(this.patienceMs, () => {
          if (this.#commands?.isCleaningUp) wait();
          else reject(new StepStopped("the step did not stop by itself"));
        });
      };
      onAbort(signal, wait);
    });
    return Promise.race([running, unresponsive]);
  }

  async #judgeError(error: unknown, logs: StepLogs): Promise<StepEnd> {
    if (error instanceof StepStopped) return { results: Results.CANCELLED };
    if (error instanceof WorkerLost) return { results: Results.RETRY, reason: error.message };
    // The build is given up, too: it is built again when the database is well.
    if (this.#scope.engine.persistence.isPassing(error)) throw error;
    const sentences = [
      CommandException,
      BadRendering,
      TriggerRefused,
      StepValueRefused,
      StepsRefused,
      ArtifactRefused,
      MasterRefused,
    ];
    const isSentence = sentences.some((kind) => error instanceof kind);
    const message = describeThrown(error);
    const isCode = error instanceof Error && error.message === message && !isSentence;
    const detail = error instanceof CommandException ? error.detail : message;
    await writeLog(logs, "err.text", isCode ? traceOf(error) : detail);
    const [sentence = ""] = message.split("\n");
    return { results: Results.EXCEPTION, ...(sentence === "" ? {} : { reason: sentence.replace(/\.$/, "") }) };
  }

  #makeTriggers(step: string, { enter, leave }: Turns): StepTriggers {
    const { engine, secrets, forkProperty, build } = this.#scope;
    const { data, persistence, awaited, siteUrl } = engine;
    const { signal } = this.#abort;
    const { buildid } = build;
    return new StepTriggers({
      data,
      persistence,
      awaited,
      buildid,
      step,
      siteUrl,
      secrets,
      forkProperty,
      signal,
      clock: engine.clock,
      onWait: leave,
      onReturn: enter,
    });
  }

  #makeGroup(name: string, additions: StepAdditions, { enter, leave }: Turns): StepGroup {
    const lockedBy = () => (this.#holdids.length > 0 ? name : this.#scope.lockedBy?.());
    return new StepGroup({
      scope: this.#scope,
      name,
      additions,
      signal: this.#abort.signal,
      lockedBy,
      begin: ({ step, options, row }) =>
        new RunningStep(step, options, { ...this.#scope, lockedBy }, row && { ...row, isPending: true }),
      onWait: leave,
      onReturn: enter,
    });
  }

  async #renderEnvironment(rendering: StepRenderContext): Promise<Environment> {
    try {
      return (await render(this.#scope.environment, rendering)) as Environment;
    } catch (error) {
      throw new BadRendering(
        `The builder's "env" could not be rendered: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }

  #isHidden(results: Result): boolean {
    try {
      return this.#step.isHidden(this.#options, results);
    } catch (error) {
      this.#scope.engine.log.warn({ err: error }, "a step's hideStepIf failed; the step is shown");
      return false;
    }
  }
}

/** Where an error comes from. Before its message, Node may quote the source of a function that a script has called. */
function traceOf({ name, message, stack = message }: Error): string {
  return stack.slice(Math.max(0, stack.indexOf(`${name}: ${message}`)));
}

/** Lists show a state in one line; what a program or an error says may have several. */
const toLine = (text: string) => text.replace(/\s*[\r\n\u2028\u2029]+\s*/g, " ").trim();

/** "'make all'", "'make all' (failure)", "The file x is not there", "finished (skipped)". */
function describeEnd(end: StepEnd, shown: string): string {
  const summary = end.summary ?? shown;
  if (end.results === Results.SUCCESS) return summary || "finished";
  if (summary === "" && end.reason) return end.reason;
  if (summary === "" && end.results === Results.CANCELLED) return "cancelled";
  if (summary === "" && end.results === Results.FAILURE) return "failed";
  return `${summary || "finished"} (${end.reason ?? resultName(end.results)})`;
}

async function writeLog(logs: StepLogs, name: string, text: string): Promise<void> {
  await (await logs.get(name, "t")).write(text.endsWith("\n") ? text : `${text}\n`);
}

/** Waits for all of them; resolves to what they rejected with. */
async function settle(promises: readonly Promise<unknown>[]): Promise<unknown[]> {
  const ends = await Promise.allSettled(promises);
  return ends.flatMap((end) => (end.status === "rejected" ? [end.reason] : []));
}
