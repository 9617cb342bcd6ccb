import { fileURLToPath } from "node:url";
import { createGitRepository } from "../../harness/git-repository.ts";
import { freePort } from "../../harness/ports.ts";
import { startProcess } from "../../harness/processes.ts";
import { temporaryDirectory } from "../../harness/temporary-directory.ts";
import { waitFor } from "../../harness/wait-for.ts";
import type { Figures, Measure } from "../measure.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));

export const start: Measure = {
  name: "start",
  title: "Start",
  about: "A master with one builder and 20 configured workers, on a database that it has used before.",
  rows: [{ name: "start", title: "start until ready", unit: "s", better: "less", limit: "process" }],
  async run(side): Promise<Figures> {
    const database = await side.newDatabase();
    const first = await side.start({ database });
    await first.stop();
    const second = await side.start({ database });
    await second.stop();
    return { start: second.readyMs / 1000 };
  },
};

export const npmStart: Measure = {
  name: "npm-start",
  title: "npm start",
  about: "The second `npm start`, when all is built, with the quick start's state of the first one.",
  sides: ["multimaster"],
  rows: [
    {
      name: "npm-start",
      title: "second npm start until the API answers",
      unit: "s",
      better: "less",
      limit: "process",
      alone: "Buildbot has no such command",
    },
  ],
  run: async (): Promise<Figures> => ({ "npm-start": await measureNpmStart() }),
};

/** Seconds of the second start; the first one makes the state. */
async function measureNpmStart(): Promise<number> {
  const repository = createGitRepository({ files: { Makefile: "all:\n\t@true\n" } });
  const state = temporaryDirectory("npm-start");
  let seconds = Number.NaN;
  for (let time = 1; time <= 2; time++) {
    const port = await freePort();
    const begin = performance.now();
    const started = await startProcess({
      name: "npm start",
      command: "npm",
      args: ["start"],
      cwd: root,
      env: { MULTIMASTER_REPOSITORY: repository.path, MULTIMASTER_STATE: state, UI_PORT: String(port) },
      stopSignal: "SIGINT",
    });
    const answers = async () =>
      started.exit() !== undefined || (await fetch(`http://127.0.0.1:${port}/api/v2/builders`)).ok;
    await waitFor(answers, { what: "the API to answer", timeoutMs: 120_000, intervalMs: 10 });
    if (started.exit()) throw new Error(`npm start ended:\n${started.output().slice(-2000)}`);
    seconds = (performance.now() - begin) / 1000;
    process.kill(-started.pid, "SIGINT");
    await started.exited;
  }
  return seconds;
}
