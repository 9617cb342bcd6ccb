import { join } from "node:path";
import { queryRows } from "@multimaster/database";
import docker from "@multimaster/plugins/latent-workers/docker";
import shell from "@multimaster/plugins/steps/shell";
import { expect, it } from "vitest";
import { type FakeDockerHost, startFakeDockerHost } from "../../harness/docker-api.ts";
import { type Engine, startEngine } from "../../harness/engine.ts";
import { freePort } from "../../harness/ports.ts";
import { temporaryDirectory } from "../../harness/temporary-directory.ts";
import { waitFor } from "../../harness/wait-for.ts";

/** Only a stand-in for a host: it is strict about what it is asked, and runs our worker for each container. */
async function start(host: FakeDockerHost, more: Partial<Parameters<typeof docker>[0]> = {}): Promise<Engine> {
  const port = await freePort();
  return startEngine(
    { b: [shell({ name: "work", command: "true" })] },
    {
      workers: {
        host: "127.0.0.1",
        port,
        workers: [],
        latent: [
          docker({
            name: "box",
            maxInstances: 2,
            hosts: [{ url: host.url }],
            masterUrl: `ws://127.0.0.1:${port}`,
            image: "ci",
            retryAfter: "1s",
            ...more,
          }),
        ],
      },
      more: { workers: ["box"] },
    },
  );
}

const rows = (engine: Engine) => queryRows(engine.database, "select * from mm_worker_instances");
const reasonsOf = async (engine: Engine, request: number) => {
  const found = await engine.data.rest.get(["buildrequests", String(request), "why"], new URLSearchParams());
  return JSON.stringify(found);
};

it("a container is made as the request wants it, builds once, and is removed", async () => {
  const host = await startFakeDockerHost([]);
  host.registry.add("ci/old:1");
  const engine = await start(host, {
    image: (build) => (build.property("os") === "old" ? "ci/old:1" : "ci/new:1"),
    volumes: (build) => [`cache-${build.property("buildername")}:/cache:ro`],
    memory: 64 * 1024 ** 2,
    cpus: 1.5,
    ulimits: { nofile: [1024, 4096] },
  });
  const bodies: unknown[] = [];
  const request = await engine.submit("b", { properties: { os: ["old", "test"] } });
  await waitFor(() => host.containers.size === 1, { what: "a container" });
  for (const { body } of host.containers.values()) bodies.push(body);
  const [build] = await engine.finished(request);
  expect(build).toMatchObject({ results: 0 });
  expect(bodies).toMatchObject([
    {
      Image: "ci/old:1",
      HostConfig: {
        Binds: ["cache-b:/cache:ro"],
        Memory: 64 * 1024 ** 2,
        NanoCpus: 1.5e9,
        Ulimits: [{ Name: "nofile" }],
      },
    },
  ]);
  await waitFor(() => host.containers.size === 0, { what: "the container to be removed" });
  await waitFor(async () => (await rows(engine)).length === 0, { what: "its row to be deleted" });
  const [preparation] = await engine.stepsOf(build?.buildid as number);
  const log = await engine.logText(preparation?.stepid as number, "instance");
  expect(log).toMatch(/^fetching ci\/old:1\nPulling from ci\/old:1\nstarted container \w{12} of ci\/old:1/);
  const secrets = JSON.stringify(bodies).match(/WORKER_PASSWORD=([\w-]+)/);
  expect(engine.said.join() + log).not.toContain(secrets?.[1]);
});

it("says why a start failed, tries again later, and claims nothing meanwhile", async () => {
  const host = await startFakeDockerHost([]);
  const engine = await start(host);
  const request = await engine.submit("b");
  await waitFor(
    async () =>
      /The last start of an instance of box failed: .*manifest for ci:latest not found/.test(
        await reasonsOf(engine, request),
      ),
    {
      what: "the failure to be shown",
    },
  );
  expect(await queryRows(engine.database, "select 1 from buildrequest_claims")).toEqual([]);
  host.registry.add("ci:latest");
  expect(await engine.finished(request)).toMatchObject([{ results: 0 }]);
});

it("fetches an image of a registry with a login", async () => {
  const host = await startFakeDockerHost([]);
  host.closed.add("ci:latest");
  const stranger = await start(host, { registry: { username: "ci", password: "wrong" } });
  const refused = await stranger.submit("b");
  await waitFor(async () => (await reasonsOf(stranger, refused)).includes("authentication required"), {
    what: "the failure to be shown",
  });
  const engine = await start(host, { registry: { username: "ci", password: "token" } });
  expect(await engine.finished(await engine.submit("b"))).toMatchObject([{ results: 0 }]);
});

it("goes on with its other hosts if one does not answer", async () => {
  const host = await startFakeDockerHost(["ci"]);
  const hosts = [{ url: "http://127.0.0.1:1" }, { url: host.url }];
  const engine = await start(host, { hosts });
  for (const request of [await engine.submit("b"), await engine.submit("b")])
    expect(await engine.finished(request)).toMatchObject([{ results: 0 }]);
  expect(engine.said.join("\n")).toContain("the container host http://127.0.0.1:1 does not answer");
});

it("says in one sentence, once, that there is no socket, and why its request waits", async () => {
  const path = join(temporaryDirectory("socket"), "docker.sock");
  const host = await startFakeDockerHost([]);
  const engine = await start(host, { hosts: [{ url: `unix://${path}` }] });
  const request = await engine.submit("b");
  const sentence = `the container host unix://${path} does not answer: there is no socket at ${path}: start what listens there (docker.socket, podman.socket), or correct the path`;
  await waitFor(async () => (await reasonsOf(engine, request)).includes(sentence), { what: "the reason" });
  await waitFor(() => engine.said.some((line) => line.includes("cannot be listed")), { what: "the log" });
  expect(engine.said.filter((line) => line.includes("cannot be listed"))).toEqual([
    `the instances of box at unix://${path} cannot be listed: ${sentence}; retrying`,
  ]);
});

it("ends what carries its labels and has no row, and nothing else", async () => {
  const host = await startFakeDockerHost(["ci"]);
  const engine = await start(host, { buildsPerInstance: null });
  const [identity] = await queryRows<{ clusterid: string }>(
    engine.database,
    "select clusterid from mm_cluster_identity",
  );
  const cluster = identity?.clusterid as string;
  const labels = { "multimaster.cluster": cluster, "multimaster.latent": "box", "multimaster.instance": "4711" };
  host.add("leftover", labels);
  host.add("of another cluster", { ...labels, "multimaster.cluster": "another" });
  host.add("of another latent worker", { ...labels, "multimaster.latent": "other" });
  host.add("someone's", {});
  const request = await engine.submit("b");
  expect(await engine.finished(request)).toMatchObject([{ results: 0 }]);
  await waitFor(() => [...host.containers.values()].every(({ name }) => name !== "leftover"), {
    what: "the leftover to be removed",
    timeoutMs: 45_000,
  });
  const names = [...host.containers.values()].map(({ name }) => name).sort();
  expect(names).toEqual([
    `mm-${cluster.slice(0, 8)}-box-1`,
    "of another cluster",
    "of another latent worker",
    "someone's",
  ]);
});
