import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type GitHttpServer, startGitHttpServer } from "../../../../../test/harness/git-http-server.ts";
import { createGitRepository, isolatedGitEnvironment } from "../../../../../test/harness/git-repository.ts";
import { createLocalStep } from "../../../../../test/harness/local-step-context.ts";
import { temporaryDirectory } from "../../../../../test/harness/temporary-directory.ts";
import type { StepDefinition } from "../../define-step.ts";
import git from "../git.ts";

const password = "ghp/Secret:Token1";
const written = encodeURIComponent(password);
let server: GitHttpServer;
let served: string;

beforeAll(async () => {
  served = temporaryDirectory("served");
  const library = createGitRepository({ files: { lib: "library" } });
  const main = createGitRepository({ files: { f: "1" } });
  main.git("-c", "protocol.file.allow=always", "submodule", "add", "--quiet", library.url, "lib");
  // Relative: it is found beside the repository, on the same server.
  main.git("config", "--file", ".gitmodules", "submodule.lib.url", "../library.git");
  main.commit({ message: "Add a submodule" });
  for (const [repository, name] of [
    [library, "library.git"],
    [main, "main.git"],
  ] as const)
    execFileSync("git", ["clone", "--quiet", "--bare", repository.path, join(served, name)], {
      env: isolatedGitEnvironment(served),
    });
  server = await startGitHttpServer(served, { name: "ci-bot", password });
});

afterAll(() => server.stop());

async function build(directory: string, repourl: string) {
  const { ctx, trace } = createLocalStep(directory);
  const { plugin, options } = git({ repourl, submodules: true });
  const end = await (plugin as StepDefinition).run(ctx, options as Record<string, unknown>);
  return { end, trace };
}

/** Every file below the directory that holds one of the texts. */
function findIn(directory: string, texts: readonly string[]): string[] {
  return readdirSync(directory, { recursive: true, encoding: "utf8" }).filter((name) => {
    const file = join(directory, name);
    return statSync(file).isFile() && texts.some((text) => readFileSync(file, "latin1").includes(text));
  });
}

it("passes the credentials of the URL to git, also for submodules, and to nothing else", async () => {
  const directory = temporaryDirectory("credentials");
  for (const round of [1, 2]) {
    const { end, trace } = await build(directory, `http://ci-bot:${written}@${server.host}/main.git`);
    expect([round, end.results, end.reason]).toEqual([round, 0, undefined]);
    expect(readFileSync(join(directory, "build", "lib", "lib"), "utf8")).toBe("library");
    const shown = JSON.stringify([trace.commands, trace.log, end]);
    for (const text of [password, written, "ci-bot"]) expect(shown).not.toContain(text);
    expect(findIn(directory, [password, written, "ci-bot"])).toEqual([]);
    expect([...trace.hidden]).toEqual([password, written]);
  }
});

it("fails in a sentence without them where they are wrong", async () => {
  const { end, trace } = await build(
    temporaryDirectory("credentials"),
    `http://ci-bot:nonsense@${server.host}/main.git`,
  );
  expect(end).toMatchObject({ results: 2, reason: expect.stringMatching(/^git fetch failed: /) });
  expect(JSON.stringify([trace.commands, trace.log])).not.toContain("nonsense");
});
