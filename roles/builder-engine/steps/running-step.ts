import type { RenderContext } from "@multimaster/config";
import { render } from "@multimaster/config";
import { type Clock, type Logger, onAbort, type Properties, type Result, Results, resultName } from "@multimaster/core";
import type { Data } from "@multimaster/data";
import {
  BadRendering,
  type BuildFacts,
  CommandException,
  type Environment,
  type StepContext,
  type StepDefinition,
  type StepEnd,
  StepStopped,
  StepValueRefused,
  TriggerRefused,
  type WorkerFacts,
  WorkerLost,
} from "@multimaster/plugins";
import type { AwaitedBuildsets } from "../builds/awaited-buildsets.ts";
import { Abandoned, type Persistence } from "../builds/persistence.ts";
import { LatestWriter } from "../logs/latest-writer.ts";
import type { Secrets } from "../logs/secrets.ts";
import { StepLogs, type StepLogsOptions } from "../logs/step-logs.ts";
import type { LoopWatchdog } from "../loop-watchdog.ts";
import type { AttachedWorker } from "../workers/attached-worker.ts";
import type { CommandLedger } from "../workers/command-ledger.ts";
import { resolveWorkerPath } from "../workers/worker-paths.ts";
import { combine, type Interruption } from "./interruption.ts";
import { StepCommands } from "./step-commands.ts";
import { createStepTests } from "./step-tests.ts";
import { StepTriggers } from "./step-triggers.ts";
import { checkProperty, checkUrl } from "./step-values.ts";

/** Time between the end of a stopped step's commands and the end of the patience with its code. */
const deafMs = 2000;

/** What every step of a build works with. */
export interface StepSurroundings {
  data: Data;
  persistence: Persistence;
  ledger: CommandLedger;
  watchdog: LoopWatchdog;
  awaited: AwaitedBuildsets;
  /** Where people see the cluster, with a slash at its end; "" when no one has said. */
  siteUrl: string;
  clock: Clock;
  log: Logger;
  worker: AttachedWorker;
  build: Omit<BuildFacts, "environment">;
  /** The builder's environment, not rendered. */
  environment: Readonly<Record<string, unknown>>;
  properties: Properties;
  secrets: Secrets;
  /** What builds that it triggers are told of whose code this is. */
  forkProperty: Readonly<Record<string, boolean>>;
  limits: StepLogsOptions["limits"];
  builddir: string;
}

/** Tells the watchdog whether the step's own code has control. */
interface Turns {
  enter(): void;
  leave(): void;
}

export interface StepOutcome {
  results: Result;
  /** The step's last state text. */
  text: string;
}

/** What a step's code works through. */
interface StepParts {
  name: string;
  stepid: number;
  logs: StepLogs;
  commands: StepCommands;
  triggers: StepTriggers;
  setState(text: string): void;
  turns: Turns;
}

/** One step of one build, from its row to its result. */
export class RunningStep {
  #step: StepDefinition;
  #options: Readonly<Record<string, unknown>>;
  #around: StepSurroundings;
  #abort = new AbortController();
  #interruption: Interruption | undefined;
  #commands: StepCommands | undefined;

  constructor(step: StepDefinition, options: unknown, around: StepSurroundings) {
    this.#step = step;
    this.#options = options as Readonly<Record<string, unknown>>;
    this.#around = around;
  }

  /** The step's commands are interrupted, its signal aborts, and its result follows from the interruption. */
  interrupt(interruption: Interruption): void {
    this.#interruption = combine(this.#interruption, interruption);
    this.#commands?.interrupt(this.#interruption);
    this.#abort.abort(new StepStopped(interruption.reason));
  }

  /** Runs it to its end, whatever that is. Rejects only when nothing may or can be written any more. */
  async run(): Promise<StepOutcome> {
    const { data, persistence, ledger, clock, worker, watchdog, build, secrets, log } = this.#around;
    const { steps } = data.updates;
    const wanted = this.#step.nameOf(this.#options);
    const { stepid, name } = await persistence.write(`add step "${wanted}" of build ${build.buildid}`, () =>
      steps.add({ buildid: build.buildid, name: wanted }),
    );
    await persistence.write(`start step ${stepid}`, () => steps.start(stepid));
    const { limits } = this.#around;
    const logs = new StepLogs({ stepid, updates: data.updates.logs, persistence, clock, secrets, limits });
    const place = { builder: build.builderName, step: name, buildid: build.buildid };
    const enter = () => watchdog.enter(place);
    const leave = () => watchdog.leave(place);
    const state = new LatestWriter<string>((text) =>
      persistence.write(`set state of step ${stepid}`, () => steps.setState(stepid, text)),
    );
    let shown = "";
    const setState = (text: string) => {
      shown = secrets.hide(text);
      state.set(shown);
    };
    const commands = new StepCommands({
      worker,
      ledger,
      logs,
      clock,
      buildid: build.buildid,
      stepid,
      onWait: leave,
      onReturn: enter,
    });
    this.#commands = commands;
    if (this.#interruption !== undefined) commands.interrupt(this.#interruption);

    const turns = { enter, leave };
    const triggers = this.#makeTriggers(name, turns);
    const parts = { name, stepid, logs, commands, triggers, setState, turns };
    const end = await this.#runCode(parts).finally(() => {
      leave();
      commands.close();
    });
    const text = secrets.hide(describeEnd(end, shown));
    // A log or a state that cannot be stored must not leave the step open for ever.
    for (const failure of await settle([logs.finish(), state.flush()])) {
      if (failure instanceof Abandoned || persistence.isPassing(failure)) throw failure;
      log.error({ stepid, err: failure }, `a log of step ${stepid} could not be stored`);
      end.results = Results.EXCEPTION;
    }
    const hidden = this.#isHidden(end.results);
    await persistence.write(`finish step ${stepid}`, () =>
      steps.finish(stepid, { results: end.results, state: text, hidden }),
    );
    return { results: end.results, text };
  }

  async #runCode(parts: StepParts): Promise<StepEnd> {
    const { logs, triggers, turns } = parts;
    let end: StepEnd;
    try {
      const rendering = this.#makeRenderContext();
      turns.enter();
      if (!(await this.#step.isWanted(this.#options, rendering))) return { results: Results.SKIPPED };
      const environment = await this.#renderEnvironment(rendering);
      const ctx = this.#makeContext(parts, rendering, environment);
      turns.enter();
      end = await this.#unlessDeaf(this.#step.run(ctx, this.#options));
    } catch (error) {
      if (error instanceof Abandoned) throw error;
      end = await this.#judgeError(error, logs);
    }
    const interruption = this.#interruption;
    if (interruption === undefined) return end;
    if (interruption.kind === "abandoned") throw new Abandoned(interruption.reason);
    if (interruption.results === Results.CANCELLED) {
      await writeLog(logs, "cancelled", interruption.reason);
      await triggers.cancel(interruption.reason);
    }
    return { ...withoutReason(end), results: interruption.results };
  }

  /** A step whose code does not hear that it is stopped is left behind, some time after its commands have been. */
  #unlessDeaf(running: Promise<StepEnd>): Promise<StepEnd> {
    const { signal } = this.#abort;
    const deaf = new Promise<never>((_resolve, reject) => {
      const wait = () => {
        const ms = this.#commands?.patienceMs ?? 0;
        this.#around.clock.after(ms + deafMs, () => reject(new StepStopped("the step did not stop by itself")));
      };
      onAbort(signal, wait);
    });
    return Promise.race([running, deaf]);
  }

  async #judgeError(error: unknown, logs: StepLogs): Promise<StepEnd> {
    if (error instanceof StepStopped) return { results: Results.CANCELLED };
    if (error instanceof WorkerLost) return { results: Results.RETRY, reason: error.message };
    // The build is given up, too: it is built again when the database is well.
    if (this.#around.persistence.isPassing(error)) throw error;
    const isSentence = [CommandException, BadRendering, TriggerRefused, StepValueRefused].some(
      (kind) => error instanceof kind,
    );
    const text = error instanceof Error ? (isSentence ? error.message : (error.stack ?? error.message)) : String(error);
    await writeLog(logs, "err.text", text);
    return { results: Results.EXCEPTION };
  }

  #makeTriggers(step: string, { enter, leave }: Turns): StepTriggers {
    const { data, persistence, awaited, siteUrl, secrets, forkProperty, build } = this.#around;
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
      onWait: leave,
      onReturn: enter,
    });
  }

  #makeRenderContext(): RenderContext {
    const { properties, secrets, build } = this.#around;
    return {
      build,
      property: (name) => properties.get(name),
      secret: (name) => secrets.get(name),
      source(codebase = "") {
        const { sources } = build;
        // Asked for none in particular, the only one is meant.
        return (
          sources.find((source) => source.codebase === codebase) ??
          (codebase === "" && sources.length === 1 ? sources[0] : undefined)
        );
      },
    };
  }

  async #renderEnvironment(rendering: RenderContext): Promise<Environment> {
    try {
      return (await render(this.#around.environment, rendering)) as Environment;
    } catch (error) {
      throw new BadRendering(
        `The builder's "env" could not be rendered: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }

  #makeContext(parts: StepParts, rendering: RenderContext, environment: Environment): StepContext {
    const { data, persistence, clock, worker, properties, secrets, build, builddir } = this.#around;
    const { name, stepid, logs, commands, triggers, setState, turns } = parts;
    const { signal } = this.#abort;
    const system = worker.info.system;
    const path = (...elements: string[]) => resolveWorkerPath(system, builddir, ...elements);
    return {
      ...rendering,
      name,
      build: { ...build, environment },
      worker: describeWorker(worker),
      properties: {
        get: (key) => properties.get(key),
        set: (key, value, source = name) => properties.set(key, checkProperty(key, value), source),
      },
      builddir,
      signal,
      path,
      command: (command, args, options) => commands.run(command, args, options),
      shell: ({ workdir = "build", env, maxLines, initialStdin, ...args }, options) =>
        commands.run(
          "shell",
          {
            ...args,
            workdir: path(workdir),
            env: { ...environment, ...env },
            max_lines: maxLines ?? null,
            initial_stdin: initialStdin ?? null,
            ...renamed(args),
          },
          options,
        ),
      log: (logName, type = "t") => logs.get(logName, logName === "stdio" ? "s" : type),
      hide: (text, as) => secrets.add(as, text),
      setState,
      async addUrl(urlName, url) {
        const [shown, link] = [secrets.hide(urlName), checkUrl(secrets.hide(url))];
        await persistence.write(`add URL to step ${stepid}`, () => data.updates.steps.addUrl(stepid, shown, link));
      },
      addTestResults: createStepTests({
        data,
        persistence,
        buildid: build.buildid,
        stepid,
        secrets,
        signal,
        onWait: turns.leave,
        onReturn: turns.enter,
      }),
      trigger: triggers.trigger,
      async sleep(ms) {
        turns.leave();
        await clock.sleep(ms, signal);
        signal.throwIfAborted();
        turns.enter();
      },
    };
  }

  #isHidden(results: Result): boolean {
    try {
      return this.#step.isHidden(this.#options, results);
    } catch (error) {
      this.#around.log.warn({ err: error }, "a step's hideStepIf failed; the step is shown");
      return false;
    }
  }
}

function describeWorker({ name, info }: AttachedWorker): WorkerFacts {
  const { system, basedir, version, environ, commands } = info;
  return { name, system, basedir, version, environ, commands };
}

/** Two options of the wire are spelled otherwise than a step's. */
function renamed(args: { wantStdout?: boolean; wantStderr?: boolean }): Record<string, unknown> {
  return { want_stdout: args.wantStdout ?? true, want_stderr: args.wantStderr ?? true };
}

/** "'make all'", "'make all' (failure)", "finished (exception)". */
function describeEnd(end: StepEnd, shown: string): string {
  const summary = end.summary ?? (shown === "" ? "finished" : shown);
  return end.results === Results.SUCCESS ? summary : `${summary} (${end.reason ?? resultName(end.results)})`;
}

function withoutReason({ reason: _, ...end }: StepEnd): StepEnd {
  return end;
}

async function writeLog(logs: StepLogs, name: string, text: string): Promise<void> {
  await (await logs.get(name, "t")).write(text.endsWith("\n") ? text : `${text}\n`);
}

/** Waits for all of them; resolves to what they rejected with. */
async function settle(promises: readonly Promise<unknown>[]): Promise<unknown[]> {
  const ends = await Promise.allSettled(promises);
  return ends.flatMap((end) => (end.status === "rejected" ? [end.reason] : []));
}
