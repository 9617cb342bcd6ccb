import { descriptorOf, type PluginDescriptor } from "@multimaster/config";
import { Results } from "@multimaster/core";
import type { HookDefinition, StepDefinition } from "@multimaster/plugins";
import git from "@multimaster/plugins/steps/git";
import { beforeAll, describe, expect, it } from "vitest";
import { type Forge, forges } from "../../harness/deliver-hook.ts";
import { createGitRepository, type TestGitRepository } from "../../harness/git-repository.ts";
import { sha } from "../../harness/hook-payloads.ts";
import { createLocalStep } from "../../harness/local-step-context.ts";
import { temporaryDirectory } from "../../harness/temporary-directory.ts";
import { type Happening, matrix } from "./matrix-events.ts";

const eventHeaders = ["x-github-event", "x-gitlab-event", "x-gitea-event", "x-event-key"];

/** A repository as forges keep it: branches, a tag, and refs of request 42, of the branch faster. */
let repository: TestGitRepository;
const at: Record<"main" | "faster" | "merge", string> = { main: "", faster: "", merge: "" };

beforeAll(() => {
  repository = createGitRepository();
  at.faster = repository.commit({ branch: "faster", files: { faster: "1" } });
  at.main = repository.commit({ files: { main: "1" } });
  repository.createTag("v1");
  repository.git("checkout", "--quiet", "--detach", "main");
  repository.git("merge", "--quiet", "--no-ff", "-m", "merge 42", "faster");
  at.merge = repository.git("rev-parse", "HEAD");
  const push = (from: string, to: string) => repository.git("push", "--quiet", "origin", `${from}:${to}`);
  for (const area of ["pull/42", "merge-requests/42", "pull-requests/42"]) push(at.merge, `refs/${area}/merge`);
  for (const ref of ["pull/42/head", "merge-requests/42/head", "changes/42/42/3"]) push(at.faster, `refs/${ref}`);
});

/** The change that a delivery brings, with the hashes of the repository in place of the payload's. */
function changeOf(forge: Forge, happening: Happening, options: Record<string, unknown>) {
  const make = forges[forge] as (options: Record<string, unknown>) => PluginDescriptor<"hook">;
  const hook = descriptorOf("hook").parse(make({ secret: "s", ...options }));
  const { event, payload } = matrix[forge][happening];
  const body = JSON.stringify(payload)
    .replaceAll(sha(9), at.faster)
    .replaceAll(sha(9).slice(0, 12), at.faster.slice(0, 12))
    .replaceAll(/([1237])\1{39}/g, at.main);
  const headers = Object.fromEntries(eventHeaders.map((name) => [name, event]));
  const request = { headers, query: new URLSearchParams(), body: Buffer.from(body) };
  const answer = (hook.plugin as HookDefinition).parse(request, hook.options);
  const change = "changes" in answer ? answer.changes.at(-1) : undefined;
  if (!change) throw new Error(`${forge} takes no change of ${happening}: ${JSON.stringify(answer)}`);
  return change;
}

/** Checks it out as the step `git` does; resolves to what is there then, or to why it is not. */
async function checkOut(directory: string, { branch = null, revision = null }: ReturnType<typeof changeOf>) {
  const { ctx, trace } = createLocalStep(directory, { branch, revision });
  const { plugin, options } = git({ repourl: repository.url });
  const end = await (plugin as StepDefinition).run(ctx, options as Record<string, unknown>);
  if (end.results !== Results.SUCCESS) return end.reason;
  const got = trace.properties.get("got_revision");
  return Object.entries(at).find(([, hash]) => hash === got)?.[0] ?? got;
}

describe("what is checked out of", () => {
  const names = Object.keys(forges) as Forge[];
  const merges: Record<string, unknown> = { gitlab: { pullRequestRef: "merge" } };
  const built: Record<Forge, string> = {
    github: "merge",
    gitlab: "merge",
    gitea: "faster",
    bitbucketcloud: "faster",
    bitbucketserver: "merge",
    gerrit: "faster",
  };
  const events = { bitbucketcloud: ["fulfilled"], bitbucketserver: ["fulfilled"] } as Record<string, string[]>;

  it.each(names)("%s is what the event is about", async (forge) => {
    const directory = temporaryDirectory("hooks-checkout");
    expect(await checkOut(directory, changeOf(forge, "push", {}))).toBe("main");
    expect(await checkOut(directory, changeOf(forge, "tag", {}))).toBe("main");
    // All requests here have the same refs; the hash decides whether it is the one that was reported.
    const pull = { forks: true, ...(merges[forge] ?? {}) };
    const change = changeOf(forge, forge === "gerrit" ? "pull request of a fork" : "own pull request", pull);
    expect(await checkOut(directory, change)).toBe(built[forge]);
    if (events[forge]) {
      const merged = changeOf(forge, "merged pull request", { pullRequestEvents: events[forge] });
      expect(await checkOut(directory, merged)).toBe("main");
    }
  });

  it("a request whose commit is not the one of its merge, is nothing", async () => {
    const change = changeOf("github", "own pull request", {});
    const other = { ...change, revision: at.main.replace(/^./, (digit) => (digit === "0" ? "1" : "0")) };
    expect(await checkOut(temporaryDirectory("hooks-checkout"), other)).toMatch(
      /is stale: [0-9a-f]+ is not a merge of/,
    );
  }, 60_000);

  it.each([
    ["gitlab", "target"],
    ["bitbucketcloud", "source"],
  ] as const)(
    "a fork's request at %s, taken for a branch of the repository by a wrong label, is nothing",
    async (forge, pullRequestRef) => {
      const change = changeOf(forge, "pull request of a fork's branch main", { forks: true, pullRequestRef });
      // As a config that names the branch by itself would have it.
      const labelled = { ...change, branch: "main", revision: at.faster };
      expect(await checkOut(temporaryDirectory("hooks-checkout"), labelled)).toMatch(/is not on branch main$/);
    },
  );
});
