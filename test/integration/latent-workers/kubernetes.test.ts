import { queryRows } from "@multimaster/database";
import kubernetes from "@multimaster/plugins/latent-workers/kubernetes";
import shell from "@multimaster/plugins/steps/shell";
import { expect, it } from "vitest";
import { type Engine, startEngine } from "../../harness/engine.ts";
import { type FakeKubernetes, type FakePod, startFakeKubernetes } from "../../harness/kubernetes-api.ts";
import { freePort } from "../../harness/ports.ts";
import { waitFor } from "../../harness/wait-for.ts";

/** Only a stand-in for an API server: it is strict about what it is asked, and runs our worker for each pod. */
async function start(fake: FakeKubernetes, more: Partial<Parameters<typeof kubernetes>[0]> = {}): Promise<Engine> {
  const port = await freePort();
  const { url, ca, token, namespace } = fake;
  const pool = kubernetes({
    name: "pods",
    maxInstances: 2,
    server: { url, ca, token },
    namespace,
    masterUrl: `ws://127.0.0.1:${port}`,
    image: "ci:1",
    retryAfter: "1s",
    ...more,
  });
  return startEngine(
    { b: [shell({ name: "work", command: "true" })] },
    { workers: { host: "127.0.0.1", port, workers: [], latent: [pool] }, more: { workers: ["pods"] } },
  );
}

const rows = (engine: Engine) => queryRows(engine.database, "select * from mm_worker_instances");
const clusterOf = async (engine: Engine) => {
  const found = await queryRows<{ clusterid: string }>(engine.database, "select clusterid from mm_cluster_identity");
  return found[0]?.clusterid as string;
};
const why = async (engine: Engine, request: number) =>
  JSON.stringify(await engine.data.rest.get(["buildrequests", String(request), "why"], new URLSearchParams()));

it("a pod is made from the template as the request wants it, builds once, and is deleted", async () => {
  const fake = await startFakeKubernetes(["ci:big"]);
  const engine = await start(fake, {
    image: (build) => (build.property("size") === "big" ? "ci:big" : "ci:1"),
    env: { A: "b" },
    template: (build) => ({
      metadata: { annotations: { builder: String(build.property("buildername")) } },
      spec: {
        nodeSelector: { size: build.property("size") === "big" ? "big" : "any" },
        containers: [
          { name: "worker", resources: { limits: { memory: "4Gi", cpu: "1500m" } }, env: [{ name: "B", value: "c" }] },
          { name: "database", image: "postgres:15" },
        ],
      },
    }),
  });
  const request = await engine.submit("b", { properties: { size: ["big", "test"] } });
  const made = await waitFor(() => [...fake.pods.values()][0], { what: "a pod" });
  const { metadata, spec } = (made as FakePod).body;
  expect(await engine.finished(request)).toMatchObject([{ results: 0 }]);
  const cluster = await clusterOf(engine);
  expect(metadata).toMatchObject({
    name: `mm-${cluster.slice(0, 8)}-pods-1`,
    labels: { "multimaster.cluster": cluster, "multimaster.latent": "pods", "multimaster.worker": "pods-1" },
    annotations: { builder: "b" },
  });
  expect(spec).toMatchObject({
    restartPolicy: "Never",
    automountServiceAccountToken: false,
    nodeSelector: { size: "big" },
  });
  expect(spec.containers.map(({ name, image }) => `${name} ${image}`)).toEqual([
    "worker ci:big",
    "database postgres:15",
  ]);
  const names = spec.containers[0]?.env?.map(({ name }) => name);
  expect(names).toEqual(["B", "A", "MASTER_URL", "WORKER_NAME", "WORKER_PASSWORD"]);
  await waitFor(() => fake.pods.size === 0, { what: "the pod to be gone" });
  await waitFor(async () => (await rows(engine)).length === 0, { what: "its row to be deleted" });
  const secret = spec.containers[0]?.env?.find(({ name }) => name === "WORKER_PASSWORD")?.value;
  expect(engine.said.join()).not.toContain(secret);
});

it("a pod that is kept builds again", async () => {
  const fake = await startFakeKubernetes(["ci:1"]);
  const engine = await start(fake, { buildsPerInstance: null });
  expect(await engine.finished(await engine.submit("b"))).toMatchObject([{ results: 0 }]);
  expect(await engine.finished(await engine.submit("b"))).toMatchObject([{ results: 0 }]);
  expect(fake.asked.filter((one) => one.startsWith("POST")).length).toBe(1);
});

it("says why a pod does not start, deletes it, and tries again later", async () => {
  const fake = await startFakeKubernetes([]);
  const engine = await start(fake);
  const request = await engine.submit("b");
  await waitFor(async () => (await why(engine, request)).includes("ImagePullBackOff: Back-off pulling image"), {
    what: "the failure to be shown",
    timeoutMs: 60_000,
  });
  expect(await queryRows(engine.database, "select 1 from buildrequest_claims")).toEqual([]);
  fake.images.add("ci:1");
  expect(await engine.finished(request)).toMatchObject([{ results: 0 }]);
  expect([...fake.pods.values()].filter(({ waiting }) => waiting)).toEqual([]);
});

it("deletes what carries its labels and has no row, and nothing else", async () => {
  const fake = await startFakeKubernetes(["ci:1"]);
  const engine = await start(fake);
  const cluster = await clusterOf(engine);
  const labels = { "multimaster.cluster": cluster, "multimaster.latent": "pods", "multimaster.instance": "4711" };
  fake.add("leftover", labels);
  fake.add("another-leftover", { ...labels, "multimaster.instance": "4712" });
  fake.add("of-another-cluster", { ...labels, "multimaster.cluster": "another" });
  fake.add("of-another-latent-worker", { ...labels, "multimaster.latent": "other" });
  fake.add("a-user-s", {});
  // Its name is one that an instance will have.
  fake.add(`mm-${cluster.slice(0, 8)}-pods-1`, {});
  await waitFor(() => [...fake.pods.keys()].every((name) => !name.includes("leftover")), {
    what: "the leftovers to be deleted",
    timeoutMs: 60_000,
  });
  const request = await engine.submit("b");
  await waitFor(async () => (await why(engine, request)).includes("exists and is none of this cluster"), {
    what: "the failure to be shown",
  });
  expect([...fake.pods.keys()].sort()).toEqual(
    ["a-user-s", `mm-${cluster.slice(0, 8)}-pods-1`, "of-another-cluster", "of-another-latent-worker"].sort(),
  );
});

it.each([
  ["a wrong token", { token: "wrong" }, "Unauthorized"],
  ["a namespace without rights", { namespace: "other" }, "pods is forbidden"],
  ["a template with a field that pods lack", { template: { spec: { restart: "Never" } } }, "restart"],
  ["a certificate of another authority", { ca: undefined }, "does not answer"],
])("says so at %s", async (_what, wrong: Record<string, unknown>, sentence) => {
  const fake = await startFakeKubernetes(["ci:1"]);
  const { url, ca, token } = { ...fake, ...wrong } as FakeKubernetes;
  const { namespace, template } = { namespace: fake.namespace, template: {}, ...wrong } as {
    namespace: string;
    template: object;
  };
  const engine = await start(fake, { server: { url, ca, token }, namespace, template });
  const request = await engine.submit("b");
  await waitFor(async () => (await why(engine, request)).includes(sentence), { what: "the failure to be shown" });
});
