import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { BuildSource } from "@multimaster/plugins";
import { describe, expect, it } from "vitest";
import { createGitRepository, type TestGitRepository } from "../../../../../test/harness/git-repository.ts";
import { createLocalStep } from "../../../../../test/harness/local-step-context.ts";
import { temporaryDirectory } from "../../../../../test/harness/temporary-directory.ts";
import { waitFor } from "../../../../../test/harness/wait-for.ts";
import type { StepDefinition } from "../../define-step.ts";
import git from "../git.ts";

/** Starts the step in the directory of a builder; the mirror is beside it. */
function start(
  base: string,
  builder: string,
  repository: TestGitRepository,
  stamp: Partial<BuildSource> = {},
  failure?: { readonly rc: number; readonly failureReason?: string },
) {
  const directory = join(base, builder);
  mkdirSync(directory, { recursive: true });
  const { ctx, trace } = createLocalStep(directory, stamp);
  const { plugin, options } = git({ repourl: repository.url, mirror: true });
  const failed = { stdout: "", stderr: "", files: [], ...failure } as const;
  const shell: typeof ctx.shell = async (args, more) =>
    failure && args.command.includes("update-mirror")
      ? { ...(await ctx.shell({ ...args, command: ["true"] })), ...failed }
      : ctx.shell(args, more);
  const ended = (plugin as StepDefinition).run({ ...ctx, shell }, options as Record<string, unknown>);
  const done = ended.then((end) => ({ ...end, got: trace.properties.get("got_revision"), log: trace.log.join("\n") }));
  return { trace, done };
}

const mirrorsOf = (base: string) => readdirSync(join(base, ".git-mirrors")).filter((name) => !name.endsWith(".lock"));

describe("a mirror that the builds of a worker share", () => {
  it("brings branches, tags, other refs and HEAD, and the repository is asked only for its refs", async () => {
    const base = temporaryDirectory("base");
    const repository = createGitRepository();
    const old = repository.revision();
    repository.createTag("v1");
    const side = repository.commit({ branch: "side" });
    const fork = repository.commit({ branch: "fork" });
    repository.git("push", "--quiet", "origin", "fork:refs/pull/9/head", ":fork");
    const main = repository.commit();
    for (const [builder, stamp, expected] of [
      ["a", {}, main],
      ["b", { branch: "side" }, side],
      ["c", { branch: "refs/pull/9/head" }, fork],
      ["d", { branch: "v1" }, old],
      ["e", { branch: "main", revision: old }, old],
      ["f~forks", { branch: "gone", revision: old }, old],
    ] as const) {
      const { trace, done } = start(base, builder, repository, stamp);
      expect([builder, (await done).got]).toEqual([builder, expected]);
      const asked = trace.commands.filter((words) => words.includes(repository.url) && !words.includes("config"));
      expect(asked.filter((words) => !words.includes("ls-remote") && !words.includes("update-mirror"))).toEqual([]);
    }
    const [own, forks] = mirrorsOf(base).toSorted((a, b) => a.length - b.length);
    expect(forks).toBe(`${own}~forks`);
  });

  it("is updated by one build at a time", async () => {
    const base = temporaryDirectory("base");
    const repository = createGitRepository();
    expect((await start(base, "a", repository).done).results).toBe(0);
    const mirror = join(base, ".git-mirrors", mirrorsOf(base)[0] as string);
    rmSync(mirror, { recursive: true });
    const holder = spawn("flock", [`${mirror}.lock`, "sh", "-c", "echo held; read x"], {
      stdio: ["pipe", "pipe", "ignore"],
    });
    await new Promise((resolve) => holder.stdout.once("data", resolve));
    const waiting = ["a", "b", "c"].map((builder) => start(base, builder, repository));
    const asks = (trace: { commands: string[][] }) => trace.commands.some((words) => words.includes("update-mirror"));
    await waitFor(() => waiting.every(({ trace }) => asks(trace)), { what: "the builds to ask for the mirror" });
    // Time enough for a build that would not wait.
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(existsSync(mirror)).toBe(false);
    holder.stdin.end("\n");
    for (const { done } of waiting) expect((await done).got).toBe(repository.revision());
  });

  it.each([
    ["took too long: another build may be filling it", { rc: -1, failureReason: "timeout without output" }],
    ["failed, such as for a network that is away for a moment", { rc: 128 }],
  ])("stays if its update %s", async (_, failure) => {
    const base = temporaryDirectory("base");
    const repository = createGitRepository();
    expect((await start(base, "a", repository).done).results).toBe(0);
    const newest = repository.commit();
    const around = await start(base, "b", repository, {}, failure).done;
    expect([around.got, around.log.includes("damaged"), mirrorsOf(base).length]).toEqual([newest, false, 1]);
  });

  it("is mended after a build that died while it updated it, and made again if it is damaged", async () => {
    const base = temporaryDirectory("base");
    const repository = createGitRepository();
    expect((await start(base, "a", repository).done).results).toBe(0);
    const mirror = join(base, ".git-mirrors", mirrorsOf(base)[0] as string);
    for (const name of ["packed-refs.lock", "refs/heads/main.lock", "HEAD.lock", "shallow.lock"])
      writeFileSync(join(mirror, name), "");
    writeFileSync(join(mirror, "config"), `[core]\n\tfsmonitor = touch ${base}/EVIL\n[broken`);
    writeFileSync(join(mirror, "objects/pack/tmp_pack_x"), "half");
    let newest = repository.commit();
    const mended = await start(base, "b", repository).done;
    expect([mended.got, mended.log.includes("damaged")]).toEqual([newest, false]);
    expect(existsSync(join(mirror, "objects/pack/tmp_pack_x"))).toBe(false);

    rmSync(join(mirror, "refs"), { recursive: true });
    writeFileSync(join(mirror, "refs"), "");
    newest = repository.commit();
    const around = await start(base, "b", repository).done;
    expect(around.got).toBe(newest);
    expect(around.log).toContain("the worker's mirror of the repository is damaged");
    expect((await start(base, "c", repository).done).got).toBe(newest);
    expect(existsSync(join(mirror, "HEAD"))).toBe(true);
    expect(readdirSync(base)).not.toContain("EVIL");
  });
});
