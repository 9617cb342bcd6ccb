import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { configFile } from "../harness/cluster.ts";
import { createGitRepository } from "../harness/git-repository.ts";
import { startMaster } from "../harness/master.ts";
import { temporaryDirectory } from "../harness/temporary-directory.ts";
import { waitFor } from "../harness/wait-for.ts";

interface Build {
  buildid: number;
  number: number;
  results: number | null;
  complete: boolean;
}

it("the quick start builds a repository immediately and on each commit, and continues its history after a restart", async () => {
  const directory = temporaryDirectory("quickstart");
  const config = join(directory, "cluster.ts");
  copyFileSync(configFile("configs/quickstart/cluster.ts"), config);
  const repository = createGitRepository({ files: { Makefile: "all:\n\t@echo made $$(git rev-parse HEAD)\n" } });
  const env = { MULTIMASTER_REPOSITORY: repository.path, UI_PORT: "0" };

  const master = await startMaster({ config, env });
  const finished = (number: number) =>
    waitFor(
      async () =>
        (await master.api<{ builds: Build[] }>(`builders/build/builds/${number}`)).body.builds?.find(
          (build) => build.complete,
        ),
      {
        what: `build ${number}`,
        timeoutMs: 60_000,
      },
    );
  await master.waitReady();
  const first = await finished(1);
  expect(first.results).toBe(0);
  const { body: stepsBody } = await master.api<{ steps: { name: string; results: number }[] }>(
    `builds/${first.buildid}/steps`,
  );
  expect(stepsBody.steps.map(({ name, results }) => [name, results])).toEqual([
    ["worker_preparation", 0],
    ["git", 0],
    ["what", 0],
    ["build", 0],
  ]);
  const log = await (await master.fetch(`api/v2/builds/${first.buildid}/steps/build/logs/stdio/raw`)).text();
  expect(log).toContain(`made ${repository.revision()}`);

  const revision = repository.commit({ files: { more: "text" } });
  const second = await finished(2);
  const { body: properties } = await master.api<{ properties: Record<string, [string, string]>[] }>(
    `builds/${second.buildid}/properties`,
  );
  expect(properties.properties[0]?.["got_revision"]?.[0]).toBe(revision);

  master.process.signal("SIGINT");
  expect(await master.process.waitForExit()).toMatchObject({ code: 0 });

  const again = await startMaster({ config, env });
  await again.waitReady();
  const { body } = await again.api<{ builds: Build[] }>("builds");
  expect(body.builds.map(({ number, results }) => [number, results])).toEqual([
    [1, 0],
    [2, 0],
  ]);
  expect(existsSync(join(directory, "state"))).toBe(true);
});

it("with --once the quick start ends with the first build's result", async () => {
  for (const [recipe, code] of [
    ["true", 0],
    ["false", 1],
  ] as const) {
    const config = join(temporaryDirectory("quickstart"), "cluster.ts");
    copyFileSync(configFile("configs/quickstart/cluster.ts"), config);
    const repository = createGitRepository({ files: { Makefile: `all:\n\t@${recipe}\n` } });
    const master = await startMaster({
      config,
      env: { MULTIMASTER_REPOSITORY: repository.path, UI_PORT: "0" },
      args: ["--once"],
    });
    expect(await master.process.waitForExit()).toMatchObject({ code });
  }
});

it("with --once the quick start ends with an error where there is nothing to build, and says why", async () => {
  const config = join(temporaryDirectory("quickstart"), "cluster.ts");
  copyFileSync(configFile("configs/quickstart/cluster.ts"), config);
  const repository = createGitRepository();
  repository.git("push", "--quiet", "origin", "main:other");
  execFileSync("git", ["symbolic-ref", "HEAD", "refs/heads/master"], { cwd: repository.path });
  const env = { MULTIMASTER_REPOSITORY: repository.path, UI_PORT: "0" };
  const master = await startMaster({ config, env, args: ["--once"] });
  expect(await master.process.waitForExit()).toMatchObject({ code: 1 });
  expect(master.log()).toMatch(/✗ .*so nothing is followed; set "branches" to some of: main, other/);
});
