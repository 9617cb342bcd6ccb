import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import { expect, it } from "vitest";
import { createGitRepository } from "../../../../../test/harness/git-repository.ts";
import { createLocalStep } from "../../../../../test/harness/local-step-context.ts";
import { temporaryDirectory } from "../../../../../test/harness/temporary-directory.ts";
import type { StepDefinition } from "../../define-step.ts";
import git from "../git.ts";

it("objects that a build forged are as docs/git.md says: trusted in its directory, gone after clobber", async () => {
  const repository = createGitRepository({ files: { f: "true" } });
  const directory = temporaryDirectory("forged");
  const build = (more: Partial<Parameters<typeof git>[0]> = {}) => {
    const { plugin, options } = git({ repourl: repository.url, ...more });
    return (plugin as StepDefinition).run(createLocalStep(directory).ctx, options as Record<string, unknown>);
  };
  const file = join(directory, "build", "f");
  expect(await build()).toMatchObject({ results: 0 });
  const name = repository.git("rev-parse", "HEAD:f");
  const object = join(directory, "build", ".git", "objects", name.slice(0, 2), name.slice(2));
  chmodSync(object, 0o600);
  writeFileSync(object, deflateSync("blob 4\0evil"));
  writeFileSync(file, "a change, so that it is checked out again");
  expect(await build()).toMatchObject({ results: 0 });
  expect(readFileSync(file, "utf8")).toBe("evil");
  expect(await build({ mode: "full", method: "clobber" })).toMatchObject({ results: 0 });
  expect(readFileSync(file, "utf8")).toBe("true");
});
