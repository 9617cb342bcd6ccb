import { secret } from "@multimaster/config";
import { Results } from "@multimaster/core";
import { changes } from "@multimaster/data";
import fromRepository from "@multimaster/plugins/steps/from-repository";
import git from "@multimaster/plugins/steps/git";
import shell from "@multimaster/plugins/steps/shell";
import trigger from "@multimaster/plugins/steps/trigger";
import { describe, expect, it } from "vitest";
import { type Engine, type Steps, startEngine } from "../../harness/engine.ts";
import { createGitRepository, type TestGitRepository } from "../../harness/git-repository.ts";

const ci = ".multimaster.yaml";
const good = `steps:
  - shell: { name: first, command: "echo on \${{ branch }}, home $HOME" }
  - shell: { name: second, command: [echo, "\${{ secret:token }}"], doStepIf: true }
`;

type Trust = false | true | "base";

/** A repository with this pipeline file, and an engine that builds it. */
async function start(
  file: string,
  trustForks: Trust = false,
  between: (repository: TestGitRepository) => Steps = () => [],
) {
  const repository = createGitRepository({ files: { [ci]: file } });
  const repourl = repository.url;
  const pipeline = fromRepository({ steps: [shell, trigger], secrets: ["token"], repourl, trustForks });
  const engine = await startEngine(
    {
      b: [git({ repourl }), ...between(repository), pipeline, shell({ name: "last", command: "true" })],
      other: [shell({ command: "true", env: { T: secret("hidden") } })],
    },
    { secrets: { token: "never shown", hidden: "of another" } },
  );
  return { engine, repository };
}

/** Builds a branch; with `properties` a pull request's. */
async function build(engine: Engine, repository: TestGitRepository, branch = "main", properties?: object) {
  const revision = repository.git("ls-remote", "origin", branch).slice(0, 40);
  const stamp = { branch, revision, repository: "", project: "", codebase: "" };
  let ssid: number | undefined;
  if (properties) {
    const change = { author: "eve", comments: "c", ...stamp, properties: properties as Record<string, never> };
    const { changeid } = await engine.data.updates.changes.add(change);
    ssid = ((await engine.data.get(changes, changeid)) as { sourcestamp: { ssid: number } }).sourcestamp.ssid;
  }
  const [end] = await engine.finished(await engine.submit("b", { sourceStamps: [ssid ?? stamp] }));
  const steps = (await engine.stepsOf(end?.buildid as number)).slice(2);
  const logText = (step: string, log = "stdio") =>
    engine.logText(steps.find(({ name }) => name === step)?.stepid as number, log);
  return { results: end?.results, steps: steps.map(({ name, state_string }) => `${name}: ${state_string}`), logText };
}

describe("the step fromRepository", () => {
  it("adds the steps of the repository's file, which use only what the config allows", async () => {
    const { engine, repository } = await start(good);
    const { results, steps, logText } = await build(engine, repository);
    expect(steps).toEqual([
      "from-repository: 2 steps from .multimaster.yaml",
      "first: 'echo on ...'",
      "second: 'echo <token>'",
      "last: 'true'",
    ]);
    expect(results).toBe(Results.SUCCESS);
    expect(await logText("first")).toMatch(/^oon main, home \//m);
    expect(await logText("second")).toMatch(/^o<token>$/m);
  });

  it("lists every problem of a file with its line, and ends the build", async () => {
    const { engine, repository } = await start(
      `steps:
  - shel: { command: make }
  - shell: { comand: make }
  - shell: { command: make, env: { T: "\${{ secret:hidden }}" } }
  - trigger: { schedulerNames: [deploy] }
`,
    );
    const { results, steps, logText } = await build(engine, repository);
    expect(steps).toEqual(["from-repository: no steps from .multimaster.yaml (5 problems)"]);
    expect(results).toBe(Results.FAILURE);
    expect(await logText("from-repository", "problems")).toBe(
      `.multimaster.yaml:2:5: there is no step "shel" here (have: shell, trigger); did you mean "shell"?
.multimaster.yaml:3:5: "command" of shell: is missing; expected string or array
.multimaster.yaml:3:14: "comand": unknown option of shell; did you mean "command"?
.multimaster.yaml:4:39: the secret "hidden" may not be named here (secrets of the config: token)
.multimaster.yaml:5:14: trigger may not trigger the scheduler "deploy" (schedulers of the config: none)
`,
    );
  });

  it.each([
    ["endless", "steps: &s\n  - *s\n", "stands within its own anchor, so it has no end"],
    ["deep", `steps: ${"[".repeat(50_000)}`, "the file is nested more than 30 levels deep"],
    ["large", `# ${"x".repeat(70_000)}\nsteps: []\n`, "is larger than 65536 bytes"],
  ])("refuses one that is %s, and the engine goes on", async (_, file, sentence) => {
    const { engine, repository } = await start(file);
    const { results, steps, logText } = await build(engine, repository);
    expect(results).not.toBe(Results.SUCCESS);
    const why = steps.join("\n").includes("exception")
      ? await logText("from-repository", "err.text")
      : steps.join("\n");
    expect(why).toContain(sentence);
    repository.commit({ files: { [ci]: good } });
    expect((await build(engine, repository)).results).toBe(Results.SUCCESS);
  });

  it.each<[Trust, string[]]>([
    [
      false,
      [
        `from-repository: no steps from .multimaster.yaml (the code is a stranger's, whose pipeline file is not read; trustForks: "base" reads that of the base branch)`,
      ],
    ],
    ["base", ["from-repository: 1 step from .multimaster.yaml", "ours: 'true'", "last: 'true'"]],
    [true, ["from-repository: 1 step from .multimaster.yaml", "theirs: 'true'", "last: 'true'"]],
  ])("of a stranger's pull request reads, with trustForks %j, what the config says", async (trustForks, expected) => {
    const named = (name: string) => `steps: [{ shell: { name: ${name}, command: "true" } }]\n`;
    const { engine, repository } = await start(named("ours"), trustForks);
    repository.commit({ branch: "fork", files: { [ci]: named("theirs") } });
    repository.git("push", "--quiet", "origin", "fork:refs/pull/3/head");
    const pull = { pullrequest_fork: true, pullrequest_base: "main" };
    const { steps } = await build(engine, repository, "refs/pull/3/head", pull);
    expect(steps).toEqual(expected);
  });

  it("says what the base branch has instead of a file, and that it is not UTF-8 text", async () => {
    const pull = { pullrequest_fork: true, pullrequest_base: "main" };
    const { engine, repository } = await start(good, "base");
    repository.git("push", "--quiet", "origin", "main:refs/pull/5/head");
    const first = async () => (await build(engine, repository, "refs/pull/5/head", pull)).steps[0];
    repository.commit({ files: { [ci]: Buffer.from([0x73, 0xff, 0xfe]) } });
    expect(await first()).toContain("(line 1: the file is not UTF-8 text)");
    repository.git("rm", "--quiet", ci);
    repository.commit({ files: { [`${ci}/file`]: good } });
    expect(await first()).toContain("(.multimaster.yaml of the branch main is a directory: only files are read)");
    repository.git("rm", "--quiet", "-r", ci);
    repository.commit({ files: { other: "x" } });
    expect(await first()).toContain("(the branch main has no file .multimaster.yaml)");
  });

  it("reads the file of the revision that is built, also when the branch has moved meanwhile", async () => {
    const named = (name: string) => `steps: [{ shell: { name: ${name}, command: "true" } }]\n`;
    const { engine, repository } = await start(named("older"), false, ({ path }) => [
      shell({ name: "move", command: ["git", "-C", path, "update-ref", "refs/heads/main", "refs/heads/next"] }),
    ]);
    repository.commit({ branch: "next", files: { [ci]: named("newer") } });
    const expected = (name: string) => ["move", "from-repository", name, "last"];
    const namesOf = ({ steps }: { steps: string[] }) => steps.map((step) => step.split(":")[0]);
    expect(namesOf(await build(engine, repository))).toEqual(expected("older"));
    expect(namesOf(await build(engine, repository))).toEqual(expected("newer"));
  });

  it("gives a stranger's file no secret, even if it is trusted", async () => {
    const { engine, repository } = await start(good, true);
    repository.git("push", "--quiet", "origin", "main:refs/pull/4/head");
    const { results, logText } = await build(engine, repository, "refs/pull/4/head", { pullrequest_fork: true });
    expect(results).toBe(Results.EXCEPTION);
    expect(await logText("second", "err.text")).toContain('so it gets no secret "token"');
  });
});
