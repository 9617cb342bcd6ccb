// Starts the cluster of configs/deploy/compose/compose.yaml, as its first lines say: `npm run test:image`. It needs root and the
// registries of npm, Python and Debian, and takes some minutes.
import { chmodSync, cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Results } from "@multimaster/core";
import { beforeAll, describe, expect, it } from "vitest";
import { createGitRepository } from "../harness/git-repository.ts";
import { startImageBuilds, type TestImages } from "../harness/images.ts";
import { Browser } from "../harness/login-browser.ts";
import { freePort } from "../harness/ports.ts";
import { runProcess } from "../harness/processes.ts";
import { buildStandIns } from "../harness/stand-in-images.ts";
import { waitFor } from "../harness/wait-for.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const minute = 60_000;
const password = "a-long-password";
const masters = ["scheduler-1", "scheduler-2", "engine-1", "engine-2", "ui-1", "ui-2"];

describe.runIf(process.env["MULTIMASTER_IMAGE"])("the compose file", { timeout: 15 * minute }, () => {
  let images: TestImages;
  let directory: string;
  let url: string;
  const container = (service: string) => `multimaster_${service}_1`;
  const compose = (...args: string[]) => images.compose(args, { cwd: directory });
  const docker = async (...args: string[]) => (await images.docker(args, { cwd: directory })).stdout;
  const master = (...args: string[]) => docker("exec", container("scheduler-1"), "master", ...args);
  const browser = new Browser();

  beforeAll(async () => {
    images = await startImageBuilds();
    const checkout = join(images.directory, "checkout");
    mkdirSync(checkout);
    const archive = join(images.directory, "checkout.tar");
    await runProcess({ name: "git", command: "git", args: ["archive", "--output", archive, "HEAD"], cwd: root });
    await runProcess({ name: "tar", command: "tar", args: ["-xf", archive, "-C", checkout] });
    directory = join(checkout, "configs/deploy/compose");
    await buildStandIns(images);
    url = `http://127.0.0.1:${await adaptToPodman(directory)}`;
    prepareConfig(checkout);
    limitConnections(checkout);
    writeFileSync(join(directory, ".env"), fillIn());
    await compose("build");
  }, 40 * minute);

  it("starts a whole cluster, whose worker builds what a user asks for through the balancer", async () => {
    const { stdout: hash } = await images.docker(["run", "--rm", "-i", "multimaster:1", "master", "hash-password"], {
      input: `${password}\n`,
    });
    writeFileSync(join(directory, ".env"), fillIn(hash.trim()));
    await compose("up", "-d", "postgres");
    // Without systemd nothing runs the checks that containers wait for.
    await waitFor(() => isHealthy(container("postgres")), { what: "the database to be healthy", timeoutMs: minute });
    await compose("run", "--rm", "upgrade-database");
    await start("crossbar", "haproxy", ...masters, "worker-1");
    await untilMastersRun();
    await serveRepository();
    await browser.logIn({ url }, "admin", password);
    expect(await force()).toBe(Results.SUCCESS);
  });

  it("takes a new release, master by master, while the others work", async () => {
    await docker("tag", "multimaster:1", "multimaster:2");
    const file = join(directory, ".env");
    writeFileSync(file, readFileSync(file, "utf8").replace("RELEASE=1", "RELEASE=2"));
    await compose("run", "--rm", "upgrade-database");
    for (const name of masters) {
      await start(name);
      await untilMastersRun();
      expect(await force()).toBe(Results.SUCCESS);
    }
    const used = await docker("ps", "--format={{.Names}} {{.Image}}");
    for (const name of masters) expect(used).toMatch(new RegExp(`${container(name)} \\S*multimaster:2`));
  });

  /** Podman 4 starts what a service depends on again, also what has ended: "docker compose up -d" does not. */
  const start = (...services: string[]) => compose("up", "-d", "--no-deps", ...services);

  const isHealthy = (name: string) =>
    docker("healthcheck", "run", name).then(
      () => true,
      () => false,
    );

  const untilMastersRun = () =>
    waitFor(async () => (await runningMasters()).length === masters.length, {
      what: "all masters to run",
      timeoutMs: 3 * minute,
    });

  /** Asks for a build as the page does, and returns its results. */
  async function force(): Promise<number> {
    const answer = await browser.call({ url }, "forceschedulers/force", "force", { builderNames: ["compile"] });
    expect([answer.status, answer.body]).toEqual([200, expect.anything()]);
    const [buildsetid] = answer.body.result as [number];
    return waitFor(
      async () => {
        const { body } = await browser.get({ url }, `/api/v2/buildsets/${buildsetid}`);
        const [buildset] = body.buildsets as { complete: boolean; results: number }[];
        return buildset?.complete && { results: buildset.results };
      },
      { what: "the build to end", timeoutMs: 3 * minute },
    ).then(({ results }) => results);
  }

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

/** Ports of this machine that are free, for this machine only; and a secret that podman-compose, unlike Docker's, reads only from a file. */
async function adaptToPodman(directory: string): Promise<number> {
  const port = await freePort();
  const adapted: Readonly<Record<string, string>> = {
    '["80:80", "9989:9989", "9988:9988"]': `["127.0.0.1:${port}:80"]`,
    "{ environment: WORKER_PASSWORD }": "{ file: ./worker-password }",
  };
  const file = join(directory, "compose.yaml");
  let text = readFileSync(file, "utf8");
  for (const [shown, own] of Object.entries(adapted)) {
    expect(text).toContain(shown);
    text = text.replace(shown, own);
  }
  writeFileSync(file, text);
  writeFileSync(join(directory, "worker-password"), secretOf("WORKER_PASSWORD"));
  return port;
}

const secretOf = (name: string) => `${name.toLowerCase().replaceAll("_", "")}0123456789`;

/** A container of the tests may open no more than a thousand files. */
function limitConnections(checkout: string): void {
  const file = join(checkout, "configs/deploy/haproxy/haproxy.cfg");
  const text = readFileSync(file, "utf8");
  expect(text).toMatch(/^ +maxconn \d+$/m);
  writeFileSync(file, text.replace(/^( +maxconn) \d+$/gm, "$1 100"));
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
function fillIn(hash?: string): string {
  const values: Readonly<Record<string, string | undefined>> = {
    CONFIG: "../../../config",
    REPOSITORY: "git://forge/web.git",
    UI_PASSWORD_HASH: hash === undefined ? undefined : `'${hash}'`,
  };
  const example = readFileSync(join(root, "configs/deploy/compose/env.example"), "utf8");
  return example.replace(/^(\w+)=(.*)$/gm, (line, name: string, value: string) => {
    if (values[name] !== undefined) return `${name}=${values[name]}`;
    return value === "" ? `${name}=${secretOf(name)}` : line;
  });
}
