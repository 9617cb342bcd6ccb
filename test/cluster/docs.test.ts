import { readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { configFile } from "../harness/cluster.ts";
import { startMaster } from "../harness/master.ts";
import { runProcess } from "../harness/processes.ts";
import { temporaryDirectory } from "../harness/temporary-directory.ts";
import { waitFor } from "../harness/wait-for.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** Writes the files that a page of docs/ shows; returns how many there were. */
function writeFilesOf(page: string, directory: string): number {
  const files = [...readFileSync(configFile(page), "utf8").matchAll(/```ts file=(\S+)\n([\s\S]*?)```/g)];
  for (const [, name, text] of files) writeFileSync(join(directory, String(name)), String(text));
  return files.length;
}

/** Checks the types of the files that pages show, as an editor does for the author of a config beside our packages. */
async function checkTypesOf(...pages: string[]): Promise<void> {
  const directory = temporaryDirectory("types");
  for (const page of pages) writeFilesOf(page, directory);
  symlinkSync(join(root, "node_modules"), join(directory, "node_modules"));
  writeFileSync(join(directory, "package.json"), JSON.stringify({ type: "module" }));
  const compilerOptions = { noEmit: true, composite: false, rewriteRelativeImportExtensions: false };
  const options = { extends: join(root, "tsconfig.json"), compilerOptions, include: ["*.ts"] };
  writeFileSync(join(directory, "tsconfig.json"), JSON.stringify({ ...options, references: [] }));
  const args = [join(root, "node_modules/typescript/bin/tsc"), "-p", directory];
  await runProcess({ name: "tsc", command: process.execPath, args });
}

const passwords = { LINUX_1_PASSWORD: "the first", LINUX_2_PASSWORD: "the second", CHANGE_HOOK_PASSWORD: "the hooks'" };
const program = fileURLToPath(new URL("../../packages/cli/bin/master.mjs", import.meta.url));

it("the config that docs/config.md shows is a good one, and a master starts with it", async () => {
  const directory = temporaryDirectory("docs");
  expect(writeFilesOf("docs/config.md", directory)).toBe(9);
  await checkTypesOf("docs/config.md");
  const config = join(directory, "cluster.ts");
  const { stdout } = await runProcess({
    name: "master",
    command: process.execPath,
    args: [program, "check-config", "--config", config],
    env: passwords,
  });
  expect(stdout).toContain("The config is good: 3 builders in 2 sets, 2 workers, 9 schedulers, 1 change source.");
  const master = await startMaster({ config, roles: ["scheduler"], env: passwords });
  await master.waitReady();
});

it("the rules that docs/retention.md shows are good ones, and nothing of a new database is to be deleted", async () => {
  const directory = temporaryDirectory("docs");
  expect(writeFilesOf("docs/retention.md", directory)).toBe(1);
  await checkTypesOf("docs/retention.md");
  const config = join(directory, "cluster.ts");
  const run = async (...args: string[]) =>
    (await runProcess({ name: "master", command: process.execPath, args: [program, ...args, "--config", config] }))
      .stdout;
  await run("upgrade-database");
  expect(await run("retention", "--dry-run")).toBe("What the rules would delete now, each by itself:\nNothing.\n");
  expect(await run("retention")).toBe("Retention has not run yet.\n");
});

it("the secret providers that docs/secrets.md shows, and configs/secrets, are good ones", async () => {
  await checkTypesOf("docs/secrets.md");
  const directory = temporaryDirectory("docs");
  expect(writeFilesOf("docs/secrets.md", directory)).toBe(1);
  const config = join(directory, "cluster.ts");
  writeFileSync(
    config,
    `export default {
       name: "secrets", database: "sqlite:state.sqlite", builders: { deploy: () => import("./secrets.ts") },
       workers: async () => ({ default: { port: 0, workers: [{ name: "linux-1", password: "of linux-1" }] } }),
     };`,
  );
  const check = async (file: string) => {
    const args = [program, "check-config", "--config", file];
    return (await runProcess({ name: "master", command: process.execPath, args })).stdout;
  };
  const shown = await check(config);
  expect(shown).toContain("The config is good: 1 builder in 1 set");
  expect(shown).toContain("there is no file /run/secrets/signing-key on this machine");
  expect(await check(configFile("configs/secrets/cluster.ts"))).toContain("The config is good: 2 builders in 1 set");
});

it("the schedulers that docs/config.md derives from builders are good ones", async () => {
  const directory = temporaryDirectory("docs");
  writeFilesOf("docs/config.md", directory);
  const config = join(directory, "derived.ts");
  writeFileSync(
    config,
    `import { platformBuilders } from "./platform-builders.ts";
     import { platformSchedulers } from "./platform-schedulers.ts";
     export default {
       name: "derived", database: "sqlite:state.sqlite",
       scheduler: async () => ({ default: { schedulers: platformSchedulers } }),
       builders: { apps: async () => ({ default: { builders: platformBuilders } }) },
       workers: async () => ({ default: { port: 0, workers: ["w1", "w2", "w3"].map((name) => ({ name, password: "p" + name })) } }),
     };`,
  );
  const args = [program, "check-config", "--config", config];
  const { stdout } = await runProcess({ name: "master", command: process.execPath, args });
  expect(stdout).toContain("The config is good: 2 builders in 1 set, 3 workers, 2 schedulers");
});

it("the hooks that docs/webhooks.md shows are good ones, given their secrets, and a master answers with them", async () => {
  const directory = temporaryDirectory("docs");
  expect(writeFilesOf("docs/config.md", directory) + writeFilesOf("docs/webhooks.md", directory)).toBe(10);
  await checkTypesOf(
    "docs/config.md",
    "docs/webhooks.md",
    "docs/latent-workers.md",
    "docs/locks.md",
    "docs/steps.md",
    "docs/git.md",
    "docs/sources.md",
    "docs/collapsing.md",
    "docs/who-goes-first.md",
    "docs/untrusted.md",
    "docs/reporters.md",
    "docs/pipeline-files.md",
  );
  const config = join(directory, "cluster.ts");
  const names = ["GITHUB", "GITLAB", "GITEA", "BITBUCKET", "BITBUCKET_SERVER"].map((name) => `${name}_SECRET`);
  const secrets = Object.fromEntries([...names, "GERRIT_TOKEN"].map((name) => [name, `the ${name}`]));
  const env = { ...passwords, ...secrets };
  const unset = await runProcess({
    name: "master",
    command: process.execPath,
    args: [program, "check-config", "--config", config],
    env: { ...env, GITLAB_SECRET: undefined },
  }).catch((error: Error) => error);
  expect(String(unset)).toMatch(/ui\.ts: hooks\[1\]\.secret: is given without a value/);
  const master = await startMaster({ config, roles: ["ui"], env });
  await master.waitReady();
  const refused = await master.fetch("change_hook/github", { method: "POST", body: "{}" });
  expect([refused.status, await refused.text()]).toEqual([401, expect.stringContaining("X-Hub-Signature-256")]);
  const asked = await master.fetch("change_hook/base", { method: "POST", body: "" });
  expect(asked.status).toBe(401);
});

it("the pipeline file that docs/pipeline-files.md shows is what the config beside it allows", async () => {
  const directory = temporaryDirectory("docs");
  expect(writeFilesOf("docs/pipeline-files.md", directory)).toBe(1);
  const [, yaml] = /```yaml\n([\s\S]*?)```/.exec(readFileSync(configFile("docs/pipeline-files.md"), "utf8")) ?? [];
  const [file, config] = [join(directory, "pipeline.yaml"), join(directory, "cluster.ts")];
  writeFileSync(file, String(yaml));
  writeFileSync(
    config,
    `export default { name: "files", database: "sqlite:state.sqlite", builders: { all: () => import("./pipeline-files.ts") } };`,
  );
  const run = (...args: string[]) =>
    runProcess({
      name: "master",
      command: process.execPath,
      args: [program, "pipeline", ...args],
      env: { UPLOAD_TOKEN: "a token" },
    });
  expect((await run("check", file)).stdout).toBe("The pipeline file is good: 4 steps.\n");
  expect((await run("check", file, "--config", config)).stdout).toBe("The pipeline file is good: 4 steps.\n");
  writeFileSync(file, `${yaml}  - git: { repourl: x }\n  - shell: { comand: make }\n`);
  await expect(run("check", file, "--config", config)).rejects.toThrow(
    /pipeline\.yaml:11:5: there is no step "git" here[\s\S]*:12:14: "comand"/,
  );
  const schema = JSON.parse((await run("schema", "--config", config)).stdout) as Record<string, unknown>;
  expect(JSON.stringify(schema["properties"])).toContain('"shell"');
  expect(JSON.stringify(schema)).not.toContain('"http-request"');
});

it("the conditions that docs/steps.md shows are a good config outside this repository", async () => {
  const directory = temporaryDirectory("docs");
  writeFilesOf("docs/steps.md", directory);
  const config = join(directory, "cluster.ts");
  writeFileSync(
    config,
    `export default {
       name: "steps", database: "sqlite:state.sqlite", builders: { all: () => import("./conditions.ts") },
       workers: async () => ({ default: { port: 0, workers: [{ name: "w1", password: "of w1" }] } }),
     };`,
  );
  const args = [program, "check-config", "--config", config];
  const { stdout } = await runProcess({ name: "master", command: process.execPath, args });
  expect(stdout).toContain("The config is good: 1 builder in 1 set, 1 worker");
});

it("the showcase of steps is a good config", async () => {
  const args = [program, "check-config", "--config", configFile("configs/showcase/cluster.ts")];
  const { stdout } = await runProcess({ name: "master", command: process.execPath, args });
  expect(stdout).toContain("The config is good: 17 builders in 1 set, 1 worker, 4 schedulers");
});

it("the config of reporters is a good one, with any of them, and with all", async () => {
  const args = [program, "check-config", "--config", configFile("configs/reporters/cluster.ts")];
  const none = await runProcess({ name: "master", command: process.execPath, args });
  expect(none.stdout).toContain("The config is good: 1 builder in 1 set, 1 worker, 1 scheduler, 0 change sources.");
  const urls = ["PUSH_URL", "GITHUB_API", "GITLAB_URL", "GITEA_URL", "STASH_URL", "GERRIT_URL", "SLACK_URL"];
  const more = ["DISCORD_URL", "MATTERMOST_URL", "MATRIX_URL", "ZULIP_URL", "TEAMS_URL"];
  const tokens = ["GITHUB", "GITLAB", "GITEA", "BITBUCKET", "STASH", "MATRIX", "TELEGRAM"].map(
    (name) => `${name}_TOKEN`,
  );
  const others = { PUSH_SECRET: "a long secret", GERRIT_USER: "ci", GERRIT_PASSWORD: "p", SMTP_HOST: "localhost" };
  const rest = {
    MAIL_TO: "a@example.org",
    MATRIX_ROOM: "!r:example.org",
    ZULIP_KEY: "k",
    TELEGRAM_CHAT: "1",
    IRC_HOST: "h",
  };
  const of = (names: string[], value: string) => Object.fromEntries(names.map((name) => [name, value]));
  const env = { ...of([...urls, ...more], "https://example.org"), ...of(tokens, "t"), ...others, ...rest };
  const all = await runProcess({ name: "master", command: process.execPath, args, env });
  expect(all.stdout).toContain("0 change sources, 21 reporters.");
});

it("every command that the README names is in the help, and the other way round", async () => {
  const { stdout } = await runProcess({ name: "master", command: process.execPath, args: [program, "--help"] });
  const readme = readFileSync(configFile("README.md"), "utf8");
  const cells = [...readme.matchAll(/^\| (`master .*?`) \| /gm)].map(([, cell]) => String(cell));
  const documented = cells.flatMap((cell) => [...cell.matchAll(/`master ([\w-]+)/g)].map(([, command]) => command));
  const offered = [...stdout.matchAll(/^ {2}([\w-]+) .*/gm)]
    .map(([, command]) => command)
    .filter((command) => command !== "help" && !command?.startsWith("-") && command !== "master");
  expect([...new Set(documented)].toSorted()).toEqual([...new Set(offered)].toSorted());
});

it("the step, scheduler, change source and hook that docs/extending.md shows build together", async () => {
  const directory = temporaryDirectory("docs");
  expect(writeFilesOf("docs/extending.md", directory)).toBe(5);
  await checkTypesOf("docs/extending.md");
  const config = join(directory, "cluster.ts");
  writeFileSync(join(directory, "notes.txt"), "the first note");
  const master = await startMaster({ config, env: { CHANGE_HOOK_PASSWORD: "the hooks'" } });
  await master.waitReady();
  // One change from the file, one from the hook: together they are enough for the scheduler.
  const body = JSON.stringify({ author: "ann", branch: "main", revision: "abc", text: "by hook" });
  const authorization = `Basic ${Buffer.from("forge:the hooks'").toString("base64")}`;
  const headers = { authorization, "x-delivery": "1" };
  const deliver = async (sent: string) =>
    (await master.fetch("change_hook/plain", { method: "POST", body: sent, headers })).status;
  expect([await deliver("no JSON"), await deliver('{"author":"ann"}')]).toEqual([400, 400]);
  expect(await deliver(body)).toBe(202);
  // Only a delivery that comes again: it adds nothing.
  expect(await deliver(body)).toBe(202);
  const builds = async () =>
    (await master.api<{ builds: { results: number | null; state_string: string }[] }>("builds?complete=true")).body
      .builds;
  await waitFor(async () => (await builds()).length > 0, { what: "the build to end", timeoutMs: 60_000 });
  expect(await builds()).toMatchObject([{ results: 0, state_string: "build successful" }]);
  const { body: steps } = await master.api<{ steps: { name: string; state_string: string }[] }>("builds/1/steps");
  expect(steps.steps.at(-1)).toMatchObject({ name: "count-lines", state_string: expect.stringMatching(/^\d+ lines$/) });
  const { body: set } = await master.api<{ buildsets: { reason: string }[] }>("buildsets");
  expect(set.buildsets).toMatchObject([{ reason: "2 changes" }]);
});

it("the config that docs/artifacts.md shows runs as it is, and the step of docs/own-steps.md does what it says", async () => {
  const shown = temporaryDirectory("docs");
  expect(writeFilesOf("docs/artifacts.md", shown)).toBe(1);
  await checkTypesOf("docs/artifacts.md");
  const args = [program, "check-config", "--config", join(shown, "cluster.ts")];
  const { stdout } = await runProcess({ name: "master", command: process.execPath, args });
  expect(stdout).toContain("The config is good: 2 builders");
  const packaging = await startMaster({ config: join(shown, "cluster.ts"), cwd: shown });
  await packaging.waitReady();
  for (const [i, builder] of ["package", "deploy"].entries()) {
    await packaging.apiPost("forceschedulers/force", "force", { builderNames: [builder] });
    const all = async () => (await packaging.api<{ builds: object[] }>("builds?complete=true")).body.builds;
    await waitFor(async () => (await all()).length > i, { what: `the build of ${builder}`, timeoutMs: 60_000 });
    expect((await all()).at(-1)).toMatchObject({ results: 0 });
  }
  await packaging.stop();

  const directory = temporaryDirectory("docs");
  expect(writeFilesOf("docs/own-steps.md", directory)).toBe(2);
  await checkTypesOf("docs/own-steps.md");
  const master = await startMaster({ config: join(directory, "cluster.ts"), cwd: directory });
  await master.waitReady();
  await master.apiPost("forceschedulers/force", "force", { builderNames: ["all"], reason: "test" });
  const ended = async () => (await master.api<{ builds: object[] }>("builds?complete=true")).body.builds;
  await waitFor(async () => (await ended()).length > 0, { what: "the build to end", timeoutMs: 60_000 });
  const { body } = await master.api<{ steps: object[] }>("builds/1/steps");
  expect(body.steps.at(-1)).toMatchObject({ name: "sum-up", results: 0, state_string: "1 warnings, 0 more requests" });
  expect(await (await master.fetch("artifacts/latest/all/warnings.txt")).text()).toBe("a.c:1: warning: unused\n");
  const url = await master.url();
  const get = [program, "artifacts", "get", "all/1", "--to", join(directory, "got"), "--url", url];
  await runProcess({ name: "master", command: process.execPath, args: get });
  expect(readFileSync(join(directory, "got", "warnings.txt"), "utf8")).toBe("a.c:1: warning: unused\n");
  const list = [program, "artifacts", "list", "all/1", "--url", url];
  const listed = await runProcess({ name: "master", command: process.execPath, args: list });
  expect(listed.stdout).toMatch(/^warnings\.txt\t23\t[0-9a-f]{12}$/m);
  const check = [program, "artifacts", "check", "--config", join(directory, "cluster.ts")];
  const checked = await runProcess({ name: "master", command: process.execPath, args: check, cwd: directory });
  expect(checked.stdout).toMatch(/: 1 objects, 1 rows\.$/m);
});
