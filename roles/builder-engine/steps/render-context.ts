import type { RenderContext } from "@multimaster/config";
import type { StepRenderContext, WorkerFacts } from "@multimaster/plugins";
import type { AttachedWorker } from "../workers/attached-worker.ts";
import { resolveWorkerPath } from "../workers/worker-paths.ts";
import type { BuildScope } from "./build-scope.ts";
import type { StepCommands } from "./step-commands.ts";

/** As much of a build as options that are functions of it may read. */
export interface RenderedBuild extends Pick<BuildScope, "properties" | "secrets"> {
  readonly build: RenderContext["build"] & Pick<BuildScope["build"], "sources">;
}

/** What options that are functions of the build are rendered with. */
export function createRenderContext({ properties, secrets, build }: RenderedBuild): RenderContext {
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

/** What the options of a step are rendered with. */
export function createStepRenderContext(scope: BuildScope, commands: StepCommands): StepRenderContext {
  const { build, worker, builddir, engine } = scope;
  const { system } = worker.info;
  /** The answer of the worker's `stat`; undefined: there is no such file. */
  async function statFile(path: string): Promise<readonly number[] | undefined> {
    const { stat } = await commands.run("stat", { path: resolveWorkerPath(system, builddir, path) }, { log: null });
    return stat;
  }
  return {
    ...createRenderContext(scope),
    build,
    worker: describeWorker(worker),
    probe: {
      exists: async (path) => (await statFile(path)) !== undefined,
      async age(path) {
        const modified = (await statFile(path))?.[8];
        return modified === undefined ? undefined : engine.clock.now() - modified * 1000;
      },
    },
  };
}

function describeWorker({ name, info }: AttachedWorker): WorkerFacts {
  const { system, basedir, version, environ, commands } = info;
  return { name, system, basedir, version, environ, commands };
}
