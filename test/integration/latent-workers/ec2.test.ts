import { queryRows } from "@multimaster/database";
import ec2 from "@multimaster/plugins/latent-workers/ec2";
import shell from "@multimaster/plugins/steps/shell";
import { beforeAll, expect, it } from "vitest";
import { type Ec2Cloud, startEc2Cloud } from "../../harness/ec2-cloud.ts";
import { type Engine, startEngine } from "../../harness/engine.ts";
import { freePort } from "../../harness/ports.ts";
import { waitFor } from "../../harness/wait-for.ts";

let cloud: Ec2Cloud;
beforeAll(async () => void (cloud = await startEc2Cloud()));

async function start(more: Partial<Parameters<typeof ec2>[0]> = {}): Promise<Engine> {
  const port = await freePort();
  const { url, region, image } = cloud;
  const pool = ec2({
    name: "cloud",
    region,
    endpoint: url,
    metadataUrl: url,
    image,
    masterUrl: `ws://127.0.0.1:${port}`,
    maxInstances: 2,
    retryAfter: "1s",
    ...more,
  });
  return startEngine(
    { b: [shell({ name: "work", command: "true" })] },
    { workers: { host: "127.0.0.1", port, workers: [], latent: [pool] }, more: { workers: ["cloud"] } },
  );
}

const clusterOf = async (engine: Engine) => {
  const found = await queryRows<{ clusterid: string }>(engine.database, "select clusterid from mm_cluster_identity");
  return found[0]?.clusterid as string;
};
const why = async (engine: Engine, request: number) =>
  JSON.stringify(await engine.data.rest.get(["buildrequests", String(request), "why"], new URLSearchParams()));
/** Starts a machine that this program has not started. */
const add = async (tags: Readonly<Record<string, string>>) => {
  const numbered = Object.entries(tags).flatMap(([key, value], i) => [
    [`TagSpecification.1.Tag.${i + 1}.Key`, key] as const,
    [`TagSpecification.1.Tag.${i + 1}.Value`, value] as const,
  ]);
  const text = await cloud.ask("RunInstances", {
    ImageId: cloud.image,
    MinCount: "1",
    MaxCount: "1",
    UserData: Buffer.from("exec sleep 1000").toString("base64"),
    "TagSpecification.1.ResourceType": "instance",
    ...Object.fromEntries(numbered),
  });
  return /<instanceId>([^<]+)/.exec(text)?.[1] as string;
};
const stateOf = async (id: string) => (await cloud.machines()).find((machine) => machine.id === id)?.state;

it("a machine is started as the request wants it, by the role of the engine's machine, builds once and is terminated", async () => {
  const engine = await start({
    instanceType: (build) => (build.property("size") === "big" ? "c5.4xlarge" : "t3.micro"),
    tags: { team: "core" },
    spot: true,
  });
  const request = await engine.submit("b", { properties: { size: ["big", "test"] } });
  const cluster = await clusterOf(engine);
  expect(await engine.finished(request)).toMatchObject([{ results: 0 }]);
  const [machine] = (await cloud.machines()).filter(({ xml }) => xml.includes(cluster));
  if (!machine) throw new Error("there is no machine");
  const tags = { "multimaster.cluster": cluster, "multimaster.latent": "cloud", "multimaster.worker": "cloud-1" };
  for (const [key, value] of Object.entries({ ...tags, team: "core", Name: "cloud-1" }))
    expect(machine.xml.replaceAll(/\s+/g, "")).toContain(`<key>${key}</key><value>${value}</value>`);
  expect(machine.xml).toContain("<instanceType>c5.4xlarge</instanceType>");
  expect(machine.xml).toContain("<instanceLifecycle>spot</instanceLifecycle>");
  await waitFor(async () => (await stateOf(machine.id)) === "terminated", { what: "the machine to be terminated" });
  await waitFor(async () => (await queryRows(engine.database, "select * from mm_worker_instances")).length === 0, {
    what: "its row to be deleted",
  });
  const [, secret = ""] = /WORKER_PASSWORD='([^']+)'/.exec(await cloud.userData(machine.id)) ?? [];
  expect(secret.length).toBeGreaterThan(20);
  expect(engine.said.join()).not.toContain(secret);
});

it("a launch template says what is not set, and a script of one's own runs", async () => {
  await cloud.ask("CreateLaunchTemplate", {
    LaunchTemplateName: "ci",
    "LaunchTemplateData.ImageId": cloud.image,
    "LaunchTemplateData.InstanceType": "m5.large",
  });
  const script = `printf %s "$WORKER_PASSWORD" >p && chmod 600 p
exec multimaster-worker start --master "$MASTER_URL" --name "$WORKER_NAME" --password-file p --basedir "$WORKER_BASEDIR"`;
  const engine = await start({
    image: undefined,
    launchTemplate: "ci",
    script,
    accessKeyId: "key",
    secretAccessKey: "secret",
    buildsPerInstance: null,
  });
  for (const _ of [1, 2]) expect(await engine.finished(await engine.submit("b"))).toMatchObject([{ results: 0 }]);
  const cluster = await clusterOf(engine);
  const own = (await cloud.machines()).filter(({ xml }) => xml.includes(cluster));
  expect(own.map(({ xml }) => /<instanceType>([^<]+)/.exec(xml)?.[1])).toEqual(["m5.large"]);
});

it("goes on with another machine when one was terminated from outside", async () => {
  const engine = await start({ buildsPerInstance: null });
  const cluster = await clusterOf(engine);
  const own = async () => (await cloud.machines()).filter(({ xml }) => xml.includes(cluster));
  expect(await engine.finished(await engine.submit("b"))).toMatchObject([{ results: 0 }]);
  const [first] = await own();
  await cloud.ask("TerminateInstances", { "InstanceId.1": first?.id as string });
  await waitFor(() => engine.said.some((line) => line.startsWith("cloud-1 is gone: it has ended")), {
    what: "the engine to notice",
  });
  expect(await engine.finished(await engine.submit("b"))).toMatchObject([{ results: 0 }]);
  expect((await own()).map(({ state }) => state)).toEqual(["terminated", "running"]);
});

it("says why a machine does not start, and claims no request", async () => {
  const engine = await start({ image: "ami-00000000000000000" });
  const request = await engine.submit("b");
  await waitFor(async () => (await why(engine, request)).includes("InvalidAMIID.NotFound"), {
    what: "the failure to be shown",
  });
  expect(await queryRows(engine.database, "select 1 from buildrequest_claims")).toEqual([]);
});

it("says so when neither a key nor a role is there, and when no one answers", async () => {
  const nowhere = `http://127.0.0.1:${await freePort()}`;
  for (const [more, sentence] of [
    [{ metadataUrl: nowhere }, "no accessKeyId is set, and the metadata service"],
    [{ endpoint: nowhere }, "does not answer"],
  ] as const) {
    const engine = await start(more);
    const request = await engine.submit("b");
    await waitFor(async () => (await why(engine, request)).includes(sentence), { what: sentence });
  }
});

it("terminates what carries its tags and has no row, and nothing else", async () => {
  const engine = await start();
  const cluster = await clusterOf(engine);
  const tags = { "multimaster.cluster": cluster, "multimaster.latent": "cloud", "multimaster.instance": "4711" };
  const leftover = await add(tags);
  const stopped = await add({ ...tags, "multimaster.instance": "4712" });
  await cloud.ask("StopInstances", { "InstanceId.1": stopped });
  const others = [
    await add({ ...tags, "multimaster.cluster": "another" }),
    await add({ ...tags, "multimaster.latent": "other" }),
    await add({ Name: "a-user-s" }),
  ];
  for (const id of [leftover, stopped])
    await waitFor(async () => (await stateOf(id)) === "terminated", {
      what: "the leftovers to be terminated",
      timeoutMs: 60_000,
    });
  expect(await engine.finished(await engine.submit("b"))).toMatchObject([{ results: 0 }]);
  for (const id of others) expect(await stateOf(id)).toBe("running");
});
