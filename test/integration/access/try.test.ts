import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Results } from "@multimaster/core";
import { execute, insertApiToken, queryRows } from "@multimaster/database";
import git from "@multimaster/plugins/steps/git";
import shell from "@multimaster/plugins/steps/shell";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { main } from "../../../packages/cli/src/main.ts";
import { configFile } from "../../harness/cluster.ts";
import { type Engine, startEngine } from "../../harness/engine.ts";
import { createGitRepository, isolatedGitEnvironment, type TestGitRepository } from "../../harness/git-repository.ts";
import { runProcess } from "../../harness/processes.ts";
import { type RestServer, startRestServer } from "../../harness/rest-server.ts";
import { masterProgram } from "../../harness/run-master.ts";
import { temporaryDirectory } from "../../harness/temporary-directory.ts";

const openRule = { allow: ["read", "try"], on: "tryschedulers", to: ["role:developers"] };
const readRule = { allow: "read", on: "*", to: ["anyone"] };
const spec = {
  builder_names: ["one", "other"],
  codebase: "",
  repository: "",
  project: "",
  branch: null,
  max_patch_size: 2000,
  properties: { target: "test" },
  priority: 3,
};

async function publish({ data, database }: Engine): Promise<void> {
  await execute(database, "update mm_data_version set version = 2");
  const id = (await data.updates.schedulers.register(["try"], [])).get("try") as number;
  await data.updates.schedulers.claim(id);
  await data.updates.schedulers.publish(id, { kind: "tries", tries: spec });
}

async function open(engine: Engine, rules: readonly object[] | undefined): Promise<RestServer> {
  const authorization = rules && { rules, otherwise: "allow", roles: { developers: {} } };
  return startRestServer(engine.database, authorization ? { authorization } : {});
}

async function addTokens({ database }: Engine): Promise<void> {
  const rights = { scope: "all", seconds: null } as const;
  await insertApiToken(database, "mmt_ada", { name: "ada", roles: ["developers"], ...rights });
  await insertApiToken(database, "mmt_bob", { name: "bob", roles: [], ...rights });
}

function sender(server: RestServer) {
  return async (params: object, token = "mmt_ada") => {
    const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "try", params });
    const answer = await fetch(new URL("/api/v2/tryschedulers/try", server.url), { method: "POST", headers, body });
    const { result, error } = (await answer.json()) as { result?: [number, object]; error?: { message: string } };
    return { status: answer.status, result, error: error?.message };
  };
}

const base64 = (text: string) => Buffer.from(text).toString("base64");
const difference = "--- a/f\n+++ b/f\n@@ -1 +1 @@\n-1\n\\ No newline at end of file\n+2\n";

describe("a try by REST", () => {
  it("is closed unless a rule names it, also where everybody may do everything", async () => {
    const engine = await startEngine({ one: [shell({ command: "true" })] });
    await Promise.all([publish(engine), addTokens(engine)]);
    const everything = { allow: "*", on: "*", to: ["anyone"] };
    for (const rules of [undefined, [everything], [openRule, everything]]) {
      const server = await open(engine, rules);
      const send = sender(server);
      const mayAda = rules?.includes(openRule) ? 200 : 403;
      const answers = [await send({ patch: base64(difference) }), await send({ patch: base64(difference) }, "mmt_bob")];
      expect(answers.map(({ status }) => status)).toEqual([mayAda, 403]);
      expect((await server.get("/api/v2/tryschedulers")).status).toBe(403);
    }
    expect(await queryRows(engine.database, "select * from patches")).toHaveLength(1);
  });

  it("is stored as Buildbot stores one, and shown as Buildbot shows it", async () => {
    const engine = await startEngine({ one: [shell({ command: "true" })] });
    await Promise.all([publish(engine), addTokens(engine)]);
    const server = await open(engine, [openRule, readRule]);
    const asked = { branch: "main", revision: "a1", subdir: "lib", who: "Ada", comment: "a faster clock" };
    const { result } = await sender(server)({
      ...asked,
      patch: base64(difference),
      properties: { speed: 2 },
      builderNames: ["one"],
    });
    const [bsid = 0, requests = {}] = result ?? [];
    expect(Object.keys(requests)).toHaveLength(1);
    const shown = await server.get(`/api/v2/buildsets/${bsid}`);
    const patch = { patchid: 1, body: null, level: 1, subdir: "lib", author: "Ada", comment: "a faster clock" };
    expect(shown.body.buildsets[0]).toMatchObject({
      reason: "A try by 'Ada': a faster clock",
      sourcestamps: [{ branch: "main", revision: "a1", patch }],
    });
    expect((await server.get(`/api/v2/buildsets/${bsid}/properties`)).body.properties[0]).toEqual({
      owner: ["ada", "Try"],
      scheduler: ["try", "Scheduler"],
      speed: [2, "Try"],
      target: ["test", "Scheduler"],
    });
    expect(await queryRows(engine.database, "select patch_base64, patchlevel from patches")).toEqual([
      { patch_base64: base64(difference), patchlevel: 1 },
    ]);
    // The same difference again is a source stamp of its own.
    await sender(server)({ ...asked, patch: base64(difference) });
    expect(await queryRows(engine.database, "select distinct ss_hash from sourcestamps")).toHaveLength(2);
    const trail = await queryRows<{ what: string }>(
      engine.database,
      "select who || ' ' || action || ' ' || object as what from mm_audit where outcome = 'done' order by id",
    );
    expect(trail.at(-1)?.what).toBe("token:ada try tryschedulers/try");
  });

  it("fails where no step applies it, and is refused where a build might not", async () => {
    const engine = await startEngine({ one: [shell({ command: "true" })] });
    await Promise.all([publish(engine), addTokens(engine)]);
    const send = sender(await open(engine, [openRule, readRule]));
    const asked = { patch: base64(difference), builderNames: ["one"] };
    const { result } = await send(asked);
    const [build] = await engine.finished(Object.values(result?.[1] ?? {})[0] as number);
    expect(build).toMatchObject({ results: Results.FAILURE, state_string: "No step applied the patch." });
    await execute(engine.database, "update mm_data_version set version = 1");
    expect((await send(asked)).error).toContain("accepts no patch while a master of an earlier release runs");
    await execute(engine.database, "update mm_data_version set version = 2");
    // As after its removal from the config.
    const { schedulers } = engine.data.updates;
    await schedulers.release((await schedulers.register(["try"], [])).get("try") as number);
    expect((await send(asked)).status).toBe(404);
    expect(await queryRows(engine.database, "select * from patches")).toHaveLength(1);
  });

  it("refuses bad input in a sentence", async () => {
    const engine = await startEngine({ one: [shell({ command: "true" })] });
    await Promise.all([publish(engine), addTokens(engine)]);
    const send = sender(await open(engine, [openRule, readRule]));
    const patch = base64(difference);
    const cases: [object, string][] = [
      [{}, "patch: must be the difference in base64"],
      [{ patch: "" }, "patch: is empty; there is nothing to try"],
      [{ patch: "a difference" }, "patch: must be the difference in base64"],
      [{ patch: base64("hello") }, 'patch: is not a diff; send the output of "git diff" or "diff -u"'],
      [{ patch: base64(difference + " ".repeat(2000)) }, "patch: is larger than 2000 bytes (maxPatchSize)"],
      [{ patch, level: 10 }, "level: must be a whole number from 0 to 9"],
      [{ patch, subdir: "a/../../b" }, "subdir: must name a directory below the checkout, without .. and a leading /"],
      [{ patch, branch: "a\nb" }, "branch: has characters that cannot be shown"],
      [{ patch, revision: "r".repeat(257) }, "revision: is longer than 256 characters"],
      [{ patch, builderNames: ["secret"] }, 'builderNames: "try" does not try the builder "secret" (have: one, other)'],
      [{ patch, builderNames: [] }, "builderNames: is empty; leave it out for all builders"],
      [{ patch, properties: { target: "prod" } }, 'properties: "target" is set by the scheduler'],
      [{ patch, properties: { owner: "root" } }, 'properties: "owner" is set by the scheduler'],
      [{ patch, repository: "elsewhere" }, "repository"],
    ];
    for (const [params, sentence] of cases) {
      const { status, error } = await send(params);
      expect([params, status, error]).toEqual([params, 400, expect.stringContaining(sentence)]);
    }
    const { updates } = engine.data;
    await updates.schedulers.setEnabled((await updates.schedulers.register(["try"], [])).get("try") as number, false);
    expect((await send({ patch })).error).toBe('The try scheduler "try" is disabled.');
    expect(await queryRows(engine.database, "select * from patches")).toEqual([]);
  });
});

describe("master try", () => {
  let repository: TestGitRepository;
  let clone: string;
  const output: string[] = [];
  beforeEach(() => {
    repository = createGitRepository({ files: { f: "1", "lib/g": "1" } });
    clone = temporaryDirectory("try-clone");
    inClone("clone", "--quiet", repository.url, ".");
    output.length = 0;
    for (const stream of ["stdout", "stderr"] as const)
      vi.spyOn(process[stream], "write").mockImplementation((text) => output.push(String(text)) > 0);
    vi.spyOn(process, "cwd").mockImplementation(() => clone);
  });
  afterEach(() => void vi.restoreAllMocks());
  const inClone = (...args: string[]) =>
    execFileSync("git", args, { cwd: clone, env: isolatedGitEnvironment(clone), stdio: ["ignore", "pipe", "pipe"] });

  it("builds the working tree's difference as a stranger's code and follows it to its result", async () => {
    const checkout = git({ repourl: repository.url });
    const engine = await startEngine({ one: [checkout, shell({ command: "cat f new; pwd" })], other: [checkout] });
    await Promise.all([publish(engine), addTokens(engine)]);
    const server = await open(engine, [openRule, readRule]);
    const guide = readFileSync(configFile("docs/command-line.md"), "utf8");
    const examples = guide.split("\n").filter((line) => /^(git diff \| )?master try/.test(line));
    expect(examples).toHaveLength(3);
    const bin = temporaryDirectory("bin");
    writeFileSync(join(bin, "master"), `#!/bin/sh\nexec '${process.execPath}' '${masterProgram}' "$@"\n`, {
      mode: 0o755,
    });
    const path = `${bin}:${process.env["PATH"]}`;
    const token = join(clone, "..", "token");
    writeFileSync(token, "mmt_ada\n", { mode: 0o600 });
    const attempt = async (...args: string[]) => {
      output.length = 0;
      const code = await main(["try", ...args, "--url", server.url, "--token-file", token]);
      return { code, text: output.join("") };
    };
    expect(await attempt("--builder", "one")).toMatchObject({
      code: 2,
      text: expect.stringContaining("There is no difference to refs/remotes/origin/main, so there is nothing to try."),
    });
    // A commit that is not pushed, a change of the index, one of the tree, and a file that git does not know.
    writeFileSync(join(clone, "new"), "committed\n");
    inClone("add", "new");
    inClone("-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "-m", "new");
    writeFileSync(join(clone, "f"), "tried\n");
    writeFileSync(join(clone, "unknown"), "");
    // The server has gone on meanwhile.
    repository.commit({ files: { "lib/g": "2" } });
    const { code, text } = await attempt("--builder", "one", "--comment", "no clock");
    expect([code, text]).toEqual([0, expect.stringContaining("  tried\n  committed\n")]);
    expect(text).toContain('1 untracked file is left out (unknown); "git add -N" includes them');
    expect(text).toContain("~forks");
    const [stamp] = await queryRows<{ branch: string; revision: string }>(
      engine.database,
      "select branch, revision from sourcestamps",
    );
    expect(stamp).toEqual({ branch: "main", revision: repository.revision("main~1") });

    for (const example of examples) {
      const env = {
        ...isolatedGitEnvironment(clone),
        MULTIMASTER_URL: server.url,
        MULTIMASTER_TOKEN: "mmt_ada",
        PATH: path,
      };
      const args = ["-c", example.replace("--builder web", "--builder one")];
      await runProcess({ name: example, command: "/bin/sh", args, cwd: clone, env });
    }

    // What fails there fails here.
    writeFileSync(join(clone, "f.diff"), "--- f\n+++ f\n@@ -1 +1 @@\n-other\n+tried\n");
    const failed = await attempt("--builder", "one", "--diff", join(clone, "f.diff"), "--patch-level", "0");
    expect([failed.code, failed.text]).toEqual([
      1,
      expect.stringContaining("the patch does not apply to what is checked out"),
    ]);
    const nowhere = await attempt("--builder", "one", "--branch", "nope");
    expect([nowhere.code, nowhere.text]).toEqual([
      1,
      expect.stringContaining("the repository has no branch nope on which the patch could be tried"),
    ]);
    expect((await attempt("--builder", "none")).text).toContain(
      "There is no try scheduler for none (builders that have one: one, other).",
    );
    expect((await attempt("--builder", "one", "--base", "nothing")).text).toContain(
      'There is no revision "nothing" in this repository.',
    );
  });
});
