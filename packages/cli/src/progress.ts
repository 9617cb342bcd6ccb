import { type Result, resultName, type Service } from "@multimaster/core";
import { builders, builds, type Data, steps } from "@multimaster/data";

export interface Progress {
  /** The result word of the first build that finishes. */
  readonly firstBuild: Promise<string>;
  service(context: { data: Data }): Service;
}

const marks: Record<string, string> = {
  success: "✓",
  warnings: "!",
  failure: "✗",
  exception: "✗",
  skipped: "-",
  retry: "↻",
  cancelled: "■",
};

/** Shows builds and their steps in a terminal as they run, from the same events that every subscriber gets. */
export function showProgress(terminal: { write(text: string): void }): Progress {
  let finishFirst: (result: string) => void;
  const firstBuild = new Promise<string>((resolve) => {
    finishFirst = resolve;
  });
  return {
    firstBuild,
    service: ({ data }) => createProgressService(data, terminal, (result) => finishFirst(result)),
  };
}

function createProgressService(
  data: Data,
  terminal: { write(text: string): void },
  onBuildFinished: (result: string) => void,
): Service {
  const subscriptions: { unsubscribe(): Promise<void> }[] = [];

  async function nameBuild(build: { builderid: number; number: number }): Promise<string> {
    const builder = await data.get(builders, build.builderid);
    return `${builder?.name ?? build.builderid} #${build.number}`;
  }

  return {
    name: "progress",
    async start() {
      subscriptions.push(
        await data.events.on(builds, "new", async ({ id }) => {
          const build = await data.get(builds, id);
          if (!build) return;
          terminal.write(`▶ ${await nameBuild(build)} started\n`);
        }),
        await data.events.on(steps, "finished", async ({ id }) => {
          const step = await data.get(steps, id);
          if (!step || step.hidden) return;
          const result = resultName(step.results as Result);
          const seconds = (step.complete_at ?? 0) - (step.started_at ?? 0);
          terminal.write(`  ${marks[result]} ${step.name}: ${step.state_string} (${seconds} s)\n`);
        }),
        await data.events.on(builds, "finished", async ({ id }) => {
          const build = await data.get(builds, id);
          if (!build) return;
          const result = resultName(build.results as Result);
          terminal.write(`${marks[result]} ${await nameBuild(build)} ended: ${result} (${build.state_string})\n`);
          if (result !== "retry") onBuildFinished(result);
        }),
      );
    },
    async stop() {
      for (const subscription of subscriptions.splice(0)) await subscription.unsubscribe();
    },
  };
}
