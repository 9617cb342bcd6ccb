// Starts the cluster of configs/deploy/compose/compose.yaml, as its first lines say: `npm run test:image`. It needs root and the
// registries of npm, Python and Debian, and takes some minutes.
import { chmodSync, cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { createGitRepository } from "../harness/git-repository.ts";
import { startImageBuilds, type TestImages } from "../harness/images.ts";
import { freePort } from "../harness/ports.ts";
import { runProcess } from "../harness/processes.ts";
import { buildStandIns } from "../harness/stand-in-images.ts";
import { waitFor } from "../harness/wait-for.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const minute = 60_000;
const masters = ["scheduler-1", "scheduler-2", "engine-1", "engine-2", "ui-1", "ui-2"];

describe.runIf(process.env["MULTIMASTER_IMAGE"])("the compose file", { timeout: 15 * minute }, () => {
  let images: TestImages;
  let directory: string;
  let port: number;
  const container = (service: string) => `multimaster_${service}_1`;
  const compose = (...args: string[]) => images.compose(args, { cwd: directory });
  const docker = async (...args: string[]) => (await images.docker(args, { cwd: directory })).stdout;
  const master = (...args: string[]) => docker("exec", container("scheduler-1"), "master", ...args);
  const api = async (path: string, init?: RequestInit) => fetch(`http://127.0.0.1:${port}/api/v2/${path}`, init);

  beforeAll(async () => {
    images = await startImageBuilds();
    const checkout = join(images.directory, "checkout");
    mkdirSync(checkout);
    const archive = join(images.directory, "checkout.tar");
    await runProcess({ name: "git", command: "git", args: ["archive", "--output", archive, "HEAD"], cwd: root });
    await runProcess({ name: "tar", command: "tar", args: ["-xf", archive, "-C", checkout] });
    directory = join(checkout, "configs/deploy/compose");
    await buildStandIns(images);
    port = await preparePorts(directory);
    prepareConfig(checkout);
    await compose("build");
  }, 40 * minute);

  it("starts a whole cluster, whose worker builds what a user asks for through the balancer", async () => {
    writeFileSync(join(directory, ".env"), fillIn("unused"));
    const hash = await docker(
      "run",
      "--rm",
      "-i",
      "multimaster:1",
      "sh",
      "-c",
      "echo a-long-password | master hash-password",
    );
    writeFileSync(join(directory, ".env"), fillIn(hash.trim()));
    await compose("up", "-d", "postgres");
    // Without systemd no one runs the checks that containers wait for.
    await waitFor(
      () =>
        docker("healthcheck", "run", container("postgres")).then(
          () => true,
          () => false,
        ),
      {
        what: "the database to be healthy",
        timeoutMs: minute,
      },
    );
    await compose("up", "-d");
    await waitFor(async () => (await runningMasters()).length === masters.length, {
      what: "all masters to run",
      timeoutMs: 3 * minute,
    });
    await serveRepository();
    const token = (await master("token", "create", "test", "--user", "admin")).trim().split("\n").at(-1) as string;
    const forced = await api("forceschedulers/force", {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "force", params: { builderNames: ["compile"] } }),
    });
    expect([forced.status, await forced.text()]).toEqual([200, expect.any(String)]);
    const results = await waitFor(
      async () => {
        const answer = await api("builds?complete=true", { headers: { authorization: `Bearer ${token}` } });
        const { builds } = (await answer.json()) as { builds: { results: number }[] };
        return builds.length > 0 && builds.map(({ results: each }) => each);
      },
      { what: "the build to end", timeoutMs: 3 * minute },
    );
    expect(results[0]).toBe(0);
  });

  /** Those whose lease is held, as any master sees them in the rows. */
  async function runningMasters(): Promise<string[]> {
    const status = JSON.parse(await master("status", "--json").catch(() => '{"masters":[]}')) as {
      masters: { name: string; state: string }[];
    };
    return status.masters.filter(({ state }) => state === "running").map(({ name }) => name);
  }

  /** A repository that engines, schedulers and workers can read, as a forge elsewhere would be. */
  async function serveRepository(): Promise<void> {
    const repository = createGitRepository({ files: { "README.md": "hello\n" } });
    const networks = ["inside", "workers"].map((name) => `multimaster_${name}`).join(",");
    await docker(
      ...["run", "-d", "--name", "forge", `--network=${networks}`, "--network-alias=forge", "--user=0:0"],
      ...[`--volume=${repository.path}:/srv/web.git:ro`, "multimaster:1"],
      ...["git", "-c", "safe.directory=*", "daemon", "--export-all", "--base-path=/srv"],
    );
  }
});

/** The ports of the machine may be taken: others are published, for this machine only. */
async function preparePorts(directory: string): Promise<number> {
  const file = join(directory, "compose.yaml");
  const port = await freePort();
  const text = readFileSync(file, "utf8");
  const ports = '["80:80", "9989:9989", "9988:9988"]';
  expect(text).toContain(ports);
  writeFileSync(file, text.replace(ports, `["127.0.0.1:${port}:80"]`));
  return port;
}

/** The config of configs/symmetric, whose builds need no compiler. */
function prepareConfig(checkout: string): void {
  const config = join(checkout, "config");
  cpSync(join(checkout, "configs/symmetric"), config, { recursive: true });
  const file = join(config, "builders.ts");
  writeFileSync(file, readFileSync(file, "utf8").replace('"make"', '"cat README.md"'));
  chmodSync(config, 0o755);
}

/** `.env`, with something in each line that env.example leaves open. */
function fillIn(hash: string): string {
  const values: Readonly<Record<string, string>> = {
    CONFIG: "../../../config",
    REPOSITORY: "git://forge/web.git",
    UI_PASSWORD_HASH: `'${hash}'`,
  };
  const example = readFileSync(join(root, "configs/deploy/compose/env.example"), "utf8");
  return example.replace(/^(\w+)=(.*)$/gm, (line, name: string, value: string) => {
    if (values[name] !== undefined) return `${name}=${values[name]}`;
    return value === "" ? `${name}=${name.toLowerCase().replaceAll("_", "")}0123456789` : line;
  });
}
