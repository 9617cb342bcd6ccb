import type { Logger } from "@multimaster/core";
import type { AdoptedBuild, Data, RecordedCommand } from "@multimaster/data";
import type { StepDefinition } from "@multimaster/plugins";
import type { LockMetrics } from "../locks/lock-metrics.ts";
import type { AttachedWorker } from "../workers/attached-worker.ts";
import type { ConfiguredBuilder } from "./configured-builder.ts";
import type { Persistence } from "./persistence.ts";
import { parseResumePoint } from "./resume-point.ts";
import type { RunningBuilds } from "./running-builds.ts";

export interface BuildAdopterOptions {
  builders: ReadonlyMap<number, ConfiguredBuilder>;
  builds: RunningBuilds;
  data: Data;
  persistence: Persistence;
  metrics: LockMetrics;
  log: Logger;
}

/** Lets builds of dead engines go on here when their workers attach. */
export class BuildAdopter {
  #options: BuildAdopterOptions;

  constructor(options: BuildAdopterOptions) {
    this.#options = options;
  }

  /** Whether this engine could go on with the build of a command: it has the same builder, with the same steps. */
  canAdopt(command: RecordedCommand): boolean {
    const point = command.resumePoint === null ? undefined : parseResumePoint(command.resumePoint);
    const builder = this.#builderOf(command);
    if (point === undefined || builder?.hash !== point.hash) return false;
    return (builder.config.steps[point.step]?.plugin as StepDefinition | undefined)?.resumable === true;
  }

  /** Goes on with the build of a command that its worker keeps. False if it is another engine's, or was given up. */
  async adopt(command: RecordedCommand, worker: AttachedWorker): Promise<boolean> {
    const { data, persistence, builds, log } = this.#options;
    const builder = this.#builderOf(command);
    const point = command.resumePoint === null ? undefined : parseResumePoint(command.resumePoint);
    const { buildid } = command;
    if (builder === undefined || point === undefined || buildid === null) return false;
    builder.reserve();
    worker.reserve(builder);
    let build: AdoptedBuild | "lost" = "lost";
    try {
      build = await persistence.write(`adopt build ${buildid}`, () => data.updates.builds.adopt(buildid));
    } finally {
      if (build === "lost") {
        builder.release();
        worker.cancel(builder);
      }
    }
    if (build === "lost") return false;
    log.info(
      { buildid, worker: worker.name },
      `build ${buildid} of a lost engine goes on here, at "${build.stepName}"`,
    );
    this.#options.metrics.took("build", build.holdids.length);
    builds.adopt({ build, point }, builder, worker);
    return true;
  }

  #builderOf({ builderid }: RecordedCommand): ConfiguredBuilder | undefined {
    return builderid === null ? undefined : this.#options.builders.get(builderid);
  }
}
