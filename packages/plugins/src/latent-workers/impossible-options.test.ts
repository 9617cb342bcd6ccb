import { describeIssue, type PluginDescriptor, workersSlice } from "@multimaster/config";
import { expect, it } from "vitest";
import command from "./command.ts";
import docker from "./docker.ts";
import ec2 from "./ec2.ts";
import kubernetes from "./kubernetes.ts";
import localProcess from "./local-process.ts";

const pool = { name: "pool", image: "debian", masterUrl: "ws://ci.example:9989" };
const cloud = { name: "pool", region: "eu-central-1", image: "ami-1", masterUrl: "wss://ci.example" };
const url = "https://docker.example:2376";
const run = ["./run"];
const inSlice = (more: object) => ({ workers: [], ...more });
const inDocker = (more: object) => inSlice({ latent: [docker({ ...pool, ...more })] });
const others = (latent: PluginDescriptor<"latent-worker">) => inSlice({ latent: [latent] });

it.each<[string, object, string]>([
  ["one port twice", inSlice({ pb: { port: 9989 } }), "pb.port: is the port of the other workers"],
  ["one port at all addresses", inSlice({ host: "127.0.0.1", pb: { port: 9989, host: "::" } }), "pb.port: is the port"],
  ["no time between pings", inSlice({ keepAlive: 0 }), "keepAlive: must be longer than 0"],
  [
    "no time between pings of one worker",
    inSlice({ workers: [{ name: "w", password: "p", keepAlive: "0s" }] }),
    "workers[0].keepAlive: must be longer than 0",
  ],
  ["no time between checks of the balance", inSlice({ rebalance: 0 }), "rebalance: must be longer than 0"],
  [
    "pings further apart than timers reach",
    inSlice({ keepAlive: "30d" }),
    'keepAlive: must be longer than 0, and at most "7d"',
  ],
  ["a minimum above the maximum", inDocker({ minInstances: 2 }), "latent[0].minInstances: must be at most 1"],
  [
    "a minimum above what the hosts take",
    inDocker({ maxInstances: 3, minInstances: 3, hosts: [{ url, maxInstances: 2 }] }),
    "latent[0].minInstances: must be at most the sum",
  ],
  [
    "a minimum of instances that are made for one request each",
    inDocker({ minInstances: 1, image: () => "debian" }),
    'latent[0].minInstances: must be 0: "image" is a function',
  ],
  ["no time to start", inDocker({ startTimeout: 0 }), "latent[0].startTimeout: must be longer than 0"],
  ["no wait after a failed start", inDocker({ retryAfter: 0 }), "latent[0].retryAfter: must be longer than 0"],
  ["no time without a build", inDocker({ idleTime: 0 }), "latent[0].idleTime: must be longer than 0"],
  ["no time for a request", inDocker({ timeout: 0 }), "latent[0].timeout: must be longer than 0"],
  [
    "a URL without a scheme",
    inDocker({ masterUrl: "ci.example:9989" }),
    "latent[0].masterUrl: must be a URL with its scheme",
  ],
  [
    "the URL of the pages",
    inDocker({ masterUrl: "http://ci.example:8010" }),
    'latent[0].masterUrl: must be a URL with its scheme, such as "ws://ci.example:9989"',
  ],
  [
    "a URL without a scheme, of processes",
    others(localProcess({ name: "pool", masterUrl: "ci.example" })),
    "latent[0].masterUrl: must be a URL with its scheme",
  ],
  [
    "a URL without a scheme, of commands",
    others(command({ name: "pool", start: run, stop: run, list: run, masterUrl: "ci.example" })),
    "latent[0].masterUrl: must be a URL with its scheme",
  ],
  [
    "one host twice",
    inDocker({ hosts: [{ url }, { url }] }),
    "latent[0].hosts[1].url: is already the URL of another host",
  ],
  ["a certificate without its key", inDocker({ hosts: [{ url, cert: "PEM" }] }), "latent[0].hosts[0].key: is missing"],
  [
    "a key without its certificate",
    others(kubernetes({ ...pool, server: { url, key: "PEM" } })),
    "latent[0].server.cert: is missing",
  ],
  [
    "two tokens",
    others(kubernetes({ ...pool, server: { url, token: "t", tokenFile: "f" } })),
    "latent[0].server.tokenFile: must not be set beside",
  ],
  [
    "a script for another program than sh",
    others(ec2({ ...cloud, script: "#!/usr/bin/env bash\necho" })),
    "latent[0].script: must be a script for sh",
  ],
  [
    "a script of more bytes than EC2 takes",
    others(ec2({ ...cloud, script: "ä".repeat(7001) })),
    "latent[0].script: must be at most 14,000 bytes",
  ],
  [
    "more tags than EC2 takes",
    others(ec2({ ...cloud, tags: Object.fromEntries(Array.from({ length: 46 }, (_, i) => [`t${i}`, ""])) })),
    "latent[0].tags: must be at most 45",
  ],
  ["a tag of this program's own", others(ec2({ ...cloud, tags: { name: "x" } })), 'be another word than "Name"'],
  [
    "a version of a launch template that is none",
    others(ec2({ ...cloud, launchTemplate: "t", launchTemplateVersion: "latest" })),
    'latent[0].launchTemplateVersion: must be a number in quotes, "$Latest"',
  ],
  [
    "an endpoint with a login",
    others(ec2({ ...cloud, endpoint: "https://ci:secret@ec2.example" })),
    "latent[0].endpoint: must be a URL without a login",
  ],
  [
    "neither a launch template nor an image",
    others(ec2({ name: "pool", region: "eu-central-1", masterUrl: "wss://ci.example" })),
    "latent[0].image: is missing, and so is launchTemplate",
  ],
  [
    "a version of no launch template",
    others(ec2({ ...cloud, launchTemplateVersion: "2" })),
    "latent[0].launchTemplate: is missing",
  ],
  ["a key without its secret", others(ec2({ ...cloud, accessKeyId: "id" })), "latent[0].secretAccessKey: is missing"],
  ["a secret without its key", others(ec2({ ...cloud, secretAccessKey: "s" })), "latent[0].accessKeyId: is missing"],
  ["a tag of the cluster", others(ec2({ ...cloud, tags: { "multimaster.cluster": "x" } })), "latent[0].tags"],
  ["limits upside down", inDocker({ ulimits: { nofile: [9, 3] } }), "latent[0].ulimits.nofile: must have a soft limit"],
  ["less memory than a container may have", inDocker({ memory: 4 }), "latent[0].memory: must be a number of bytes"],
])("a config with %s is refused", (_, slice, sentence) => {
  const parsed = workersSlice.safeParse(slice);
  const sentences = (parsed.error?.issues ?? []).flatMap((issue) => describeIssue(issue, workersSlice, slice));
  expect(sentences).toEqual([expect.stringContaining(sentence)]);
});

it.each<[string, object]>([
  ["ports of which one is left for pb", inSlice({ port: [9989, 9990], pb: { port: [9989, 9990] } })],
  ["ports that the system chooses", inSlice({ port: 0, pb: { port: 0 } })],
  ["one port at two addresses", inSlice({ host: "127.0.0.1", pb: { port: 9989, host: "127.0.0.2" } })],
  ["as many kept as there may be", inDocker({ maxInstances: 2, minInstances: 2 })],
  ["no limit above a soft one", inDocker({ ulimits: { nofile: [1024, -1] } })],
])("a config with %s is taken", (_, slice) => {
  expect(workersSlice.safeParse(slice).error).toBeUndefined();
});
