import type { Environment, StepContext, StepRenderContext } from "@multimaster/plugins";
import { createStepArtifacts } from "../artifacts/step-artifacts.ts";
import type { StepLogs } from "../logs/step-logs.ts";
import { createStepMaster } from "../on-master/step-master.ts";
import { resolveWorkerPath } from "../workers/worker-paths.ts";
import type { AnnouncedSteps } from "./announced-steps.ts";
import type { BuildScope } from "./build-scope.ts";
import type { StepAdditions } from "./step-additions.ts";
import { createStepCluster } from "./step-cluster.ts";
import type { StepCommands } from "./step-commands.ts";
import type { StepGroup } from "./step-group.ts";
import { listStepItems } from "./step-items.ts";
import { createStepTests } from "./step-tests.ts";
import type { StepTriggers } from "./step-triggers.ts";
import { checkUrl, showLinkName } from "./step-values.ts";
import type { Turns } from "./turns.ts";

/** What a step's code works through. */
export interface StepParts {
  name: string;
  stepid: number;
  logs: StepLogs;
  commands: StepCommands;
  triggers: StepTriggers;
  additions: StepAdditions;
  group: StepGroup;
  announced: AnnouncedSteps;
  setState(text: string): void;
  turns: Turns;
}

/** What a step's code sees of its build, its worker and the engine. */
export function createStepContext(
  scope: BuildScope,
  parts: StepParts,
  { rendering, environment, signal }: { rendering: StepRenderContext; environment: Environment; signal: AbortSignal },
): StepContext {
  const { engine, worker, properties, secrets, build, builddir, patchesRead, stepProperties } = scope;
  const { data, persistence, clock } = engine;
  const { name, stepid, logs, commands, triggers, additions, group, announced, setState, turns } = parts;
  const system = worker.info.system;
  const path = (...elements: string[]) => resolveWorkerPath(system, builddir, ...elements);
  return {
    ...rendering,
    name,
    build: { ...build, environment },
    properties: {
      get: (key) => properties.get(key),
      set: (key, value, source = name) => properties.set(key, stepProperties.check(key, value), source),
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
    async readPatch({ patchid }) {
      const body = await persistence.write(`read patch ${patchid}`, () =>
        data.updates.buildrequests.readPatch(patchid),
      );
      patchesRead.add(patchid);
      return body;
    },
    log: (logName, type = "t") => logs.get(logName, logName === "stdio" ? "s" : type),
    hide: (text, as) => secrets.add(as, text),
    setState,
    async addUrl(urlName, url) {
      const [shown, link] = [showLinkName(secrets.hide(urlName)), checkUrl(secrets.hide(url))];
      await persistence.write(`add URL to step ${stepid}`, () => data.updates.steps.addUrl(stepid, shown, link));
      await turns.enter();
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
    listItems: (items) => listStepItems(scope, stepid, turns, items),
    addSteps: additions.addSteps,
    runTogether: group.run,
    artifacts: createStepArtifacts(scope, stepid, signal, turns),
    master: createStepMaster(scope, signal, turns),
    cluster: createStepCluster(scope, turns),
    announceStep: announced.announce,
    async sleep(ms) {
      turns.leave();
      await clock.sleep(ms, signal);
      signal.throwIfAborted();
      await turns.enter();
    },
  };
}

/** Two options of the wire are spelled otherwise than a step's. */
function renamed(args: { wantStdout?: boolean; wantStderr?: boolean }): Record<string, unknown> {
  return { want_stdout: args.wantStdout ?? true, want_stderr: args.wantStderr ?? true };
}
