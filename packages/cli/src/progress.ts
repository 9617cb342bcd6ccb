import { setTimeout } from "node:timers/promises";
import { type Result, resultName, type Service } from "@multimaster/core";
import { builders, builds, type Data, readProblems, steps } from "@multimaster/data";
import { cleanLine } from "./terminal.ts";

export interface Progress {
  /** The result of the first build that finishes; "no build" if no change source can find any changes. */
  readonly firstBuild: Promise<string>;
  service(context: ProgressContext): Service;
}

interface ProgressContext {
  readonly data: Data;
  /** The addresses on which services listen, by name. */
  readonly addresses: ReadonlyMap<string, string>;
}

interface Terminal {
  write(text: string): void;
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

/** Shows builds and their steps in a terminal as they run, from the events that every subscriber gets. */
export function showProgress(terminal: Terminal): Progress {
  let finishFirst: (result: string) => void;
  const firstBuild = new Promise<string>((resolve) => {
    finishFirst = resolve;
  });
  return {
    firstBuild,
    service: (context) => createProgressService(context, terminal, (result) => finishFirst(result)),
  };
}

function createProgressService(
  { data, addresses }: ProgressContext,
  terminal: Terminal,
  onBuildFinished: (result: string) => void,
): Service {
  let watch: Promise<void> | undefined;
  const stopping = new AbortController();
  let isBuilding = false;

  /** Until a build begins: a change source with a problem means that none will, and must not look like waiting. */
  async function watchProblems(): Promise<void> {
    const since = Date.now() - process.uptime() * 1000;
    while (!stopping.signal.aborted && !isBuilding) {
      const problems = await readProblems(data, since).catch(() => []);
      if (problems.length > 0 && !isBuilding) {
        for (const problem of problems) terminal.write(`✗ ${cleanLine(problem)}\n`);
        onBuildFinished("no build");
        return;
      }
      await setTimeout(500, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  }

  const subscriptions: { unsubscribe(): Promise<void> }[] = [];
  // Rows are read again for each event, and shown in the order of the events.
  let tail: Promise<void> = Promise.resolve();

  function show(act: () => Promise<void>): Promise<void> {
    tail = tail.then(act, act);
    return tail;
  }

  async function nameBuild(build: { builderid: number; number: number }): Promise<string> {
    const builder = await data.get(builders, build.builderid);
    return `${builder?.name ?? build.builderid} #${build.number}`;
  }

  async function showStarted(id: number): Promise<void> {
    isBuilding = true;
    const build = await data.get(builds, id);
    if (build) terminal.write(`▶ ${await nameBuild(build)} started\n`);
  }

  async function showStep(id: number): Promise<void> {
    const step = await data.get(steps, id);
    if (!step || step.hidden) return;
    const seconds = (step.complete_at ?? 0) - (step.started_at ?? 0);
    terminal.write(
      `  ${marks[resultName(step.results as Result)]} ${cleanLine(`${step.name}: ${step.state_string}`)} (${seconds} s)\n`,
    );
  }

  async function showFinished(id: number): Promise<void> {
    const build = await data.get(builds, id);
    if (!build) return;
    const result = resultName(build.results as Result);
    const url = addresses.get("ui");
    terminal.write(`${marks[result]} ${await nameBuild(build)} ended: ${result} (${cleanLine(build.state_string)})\n`);
    if (url) terminal.write(`  ${url}api/v2/builds/${id}\n`);
    if (result !== "retry") onBuildFinished(result);
  }

  return {
    name: "progress",
    async start() {
      const url = addresses.get("ui");
      terminal.write(`Running${url ? `; the REST API is at ${url}api/v2/` : ""}. Ctrl-C stops.\n`);
      subscriptions.push(
        await data.events.on(builds, "new", ({ id }) => show(() => showStarted(id))),
        await data.events.on(steps, "finished", ({ id }) => show(() => showStep(id))),
        await data.events.on(builds, "finished", ({ id }) => show(() => showFinished(id))),
      );
      watch = watchProblems();
    },
    async stop() {
      stopping.abort();
      await watch;
      for (const subscription of subscriptions.splice(0)) await subscription.unsubscribe();
      await tail.catch(() => {});
    },
  };
}
