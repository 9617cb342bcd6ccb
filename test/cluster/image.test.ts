// Builds the container image from the last commit and runs it, as docs/deploy.md shows: `npm run test:image`. It needs root and
// the registries of npm and Debian, and takes some minutes.
import { chownSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { startImageBuilds, type TestImages } from "../harness/images.ts";
import { freePort } from "../harness/ports.ts";
import { runProcess } from "../harness/processes.ts";
import { waitFor } from "../harness/wait-for.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const minute = 60_000;

/** The commands that a page shows in its section about containers, block by block. */
function readCommands(): string[][] {
  const [, section = ""] =
    /^## In a container\n([\s\S]*?)^## /m.exec(readFileSync(join(root, "docs/deploy.md"), "utf8")) ?? [];
  return [...section.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block = ""]) =>
    block
      .trim()
      .split("\n")
      .map((line) => line.replace(/\s+#.*/, "")),
  );
}

describe.runIf(process.env["MULTIMASTER_IMAGE"])("the container image", { timeout: 10 * minute }, () => {
  const [first = [], others = []] = readCommands();
  let images: TestImages;
  let checkout: string;

  /** Runs a command that a page shows; each container has a network of its own, so that the ports are free. */
  const follow = async (line: string, input?: string): Promise<string> => {
    const began = Date.now();
    const shown = line.replace(" --network host", "").split(" ");
    expect(shown[0]).toBe("docker");
    const { stdout } = await images.docker(shown.slice(1), { cwd: checkout, input });
    console.log(`${((Date.now() - began) / 1000).toFixed(1)} s  ${line}`);
    return stdout;
  };
  const docker = async (...args: string[]) => (await images.docker(args, { cwd: checkout })).stdout;
  const force = () => follow(first.at(-1) as string);
  /** What the REST API of the master in the container answers. */
  const get = async (path: string): Promise<string> => {
    const request = `fetch("http://127.0.0.1:8010/${path}").then(async (a) => console.log(a.status, await a.text()))`;
    return docker("exec", "ci", "node", "-e", request);
  };
  const untilReady = () =>
    waitFor(async () => (await get("ready")).startsWith("200"), { what: "the master to be ready", timeoutMs: minute });

  beforeAll(async () => {
    images = await startImageBuilds();
    checkout = join(images.directory, "checkout");
    mkdirSync(checkout);
    const archive = join(images.directory, "checkout.tar");
    await runProcess({ name: "git", command: "git", args: ["archive", "--output", archive, "HEAD"], cwd: root });
    await runProcess({ name: "tar", command: "tar", args: ["-xf", archive, "-C", checkout] });
    await follow(first[0] as string);
  }, 40 * minute);

  it("is no larger than docs/deploy.md says, and runs as a user without rights", async () => {
    const size = async (name: string) => Number(await docker("image", "inspect", "--format={{.Size}}", name));
    const more = ((await size("multimaster:1")) - (await size(images.node))) / 1e6;
    const [, said] = /about (\d+) MB more than/.exec(readFileSync(join(root, "docs/deploy.md"), "utf8")) ?? [];
    console.log(`${Math.round(more)} MB more than its base`);
    expect(Math.abs(more - Number(said))).toBeLessThan(Number(said) / 10);
    expect(await docker("run", "--rm", "multimaster:1", "sh", "-c", "id -u; id -g; git --version")).toMatch(
      /^1000\n1000\ngit version /,
    );
  });

  it("builds for the first time as docs/deploy.md shows, drains when it is stopped, and goes on with its history", async () => {
    await follow(first[1] as string);
    await follow(first[2] as string);
    await untilReady();
    expect(await force()).toContain("success");

    // An orphan, as a build may leave one: tini, the first process, takes it over and removes it when it ends.
    await docker("exec", "ci", "sh", "-c", "(sleep 0.1 & exec true) & wait");
    const processes = () => docker("exec", "ci", "sh", "-c", "cat /proc/[0-9]*/stat");
    expect(await processes()).toMatch(/^1 \(tini\) S/m);
    await waitFor(async () => !/\) Z | \(sleep\) /.test(await processes()), { what: "the orphan to be gone" });

    // A build that waits until it is allowed to end.
    const wait = "s/echo hello from/while [ ! -e \\/tmp\\/go ]; do sleep 0.1; done; echo hello from/";
    await docker("exec", "ci", "sed", "-i", wait, "ci/builders.ts");
    await docker("restart", "--time=60", "ci");
    await untilReady();
    await follow((first[3] as string).replace(" --follow", ""));
    await waitFor(async () => (await get("api/v2/builds?complete=false")).match(/"buildid":\s*2\b/) !== null, {
      what: "the second build to run",
    });
    // What `docker stop` sends; Podman lets no one into a container that it stops.
    await docker("kill", "--signal=SIGTERM", "ci");
    await waitFor(async () => (await get("ready")).startsWith("503"), { what: "the master to drain" });
    await docker("exec", "ci", "touch", "/tmp/go");
    expect(await docker("wait", "ci")).toBe("0\n");

    await docker("start", "ci");
    await untilReady();
    const builds = JSON.parse((await get("api/v2/builds")).slice(4)) as { builds: { results: number }[] };
    expect(builds.builds.map(({ results }) => results)).toEqual([0, 0]);
    expect(await force()).toContain("hello #3");
    await docker("rm", "--force", "--time=60", "ci");
  });

  it("serves other machines behind a login, and a worker in a container of its own", async () => {
    const [hashPassword = "", createNetwork = "", startMaster = "", startWorker = ""] = others;
    const hash = await follow(hashPassword, "of the administrator\n");
    const password = "of more than twenty characters";
    const env = {
      UI_HOST: "0.0.0.0",
      UI_PASSWORD_HASH: hash.trim(),
      WORKER_HOST: "0.0.0.0",
      WORKER_PASSWORD: password,
    };
    const lines = Object.entries(env).map(([name, value]) => `${name}=${value}\n`);
    writeFileSync(join(checkout, "ci.env"), lines.join(""));
    const passwordFile = join(checkout, "worker-1.password");
    writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
    chownSync(passwordFile, 1000, 1000);

    const port = await freePort();
    await follow(createNetwork);
    await follow(startMaster.replace("8010:8010", `127.0.0.1:${port}:8010`));
    await untilReady();
    await follow(startWorker);
    await waitFor(async () => (await images.logs("ci")).includes("worker worker-1 is attached"), {
      what: "the worker to be attached",
      timeoutMs: minute,
    });
    const page = await fetch(`http://127.0.0.1:${port}/`);
    expect(await page.text()).toContain("<script");
    const forced = await fetch(`http://127.0.0.1:${port}/api/v2/forceschedulers/force`, {
      method: "POST",
      body: JSON.stringify({ jsonrpc: "2.0", method: "force", id: 1, params: { builderNames: ["hello"] } }),
      headers: { "content-type": "application/json" },
    });
    expect(forced.status).toBeGreaterThanOrEqual(401);
    expect(forced.status).toBeLessThanOrEqual(403);
    await docker("stop", "--time=60", "worker-1", "ci");
    expect(await docker("inspect", "--format={{.State.ExitCode}}", "ci", "worker-1")).toBe("0\n0\n");
  });
});
