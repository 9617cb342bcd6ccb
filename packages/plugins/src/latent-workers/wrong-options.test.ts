import { type PluginDescriptor, workerConfig, workersSlice } from "@multimaster/config";
import { describe, expect, it } from "vitest";
import type { z } from "zod";
import { findUnclear } from "../damaged-options.ts";
import command from "./command.ts";
import docker from "./docker.ts";
import ec2 from "./ec2.ts";
import kubernetes from "./kubernetes.ts";
import localProcess from "./local-process.ts";

const masterUrl = "wss://ci.example";
const hash = `scrypt$32768$8$1$${"A".repeat(22)}==$${"A".repeat(43)}=`;

/** A value for every option of workers: each of them, and of what they contain, is replaced by wrong ones. */
const worker = {
  name: "w1",
  password: "a long password",
  passwordHash: hash,
  passwordMd5Sealed: "sealed",
  local: false,
  maxBuilds: 1,
  capacity: 2,
  hours: { zone: "UTC", open: ["mon-fri 18:00-08:00"] },
  accepts: () => true,
  properties: { os: "linux" },
  keepAlive: "20s",
  missingTimeout: "1h",
  quarantineAfter: 3,
  probationAfter: "1h",
  owner: "ann@ci.example",
  note: "under the desk",
};

const slice = {
  host: "127.0.0.1",
  port: 9989,
  pb: { port: 9990, host: "127.0.0.1" },
  keepAlive: "20s",
  adoptWithin: "1m",
  missingTimeout: "1h",
  quarantineAfter: 3,
  probationAfter: "1h",
  tls: { certificate: "cert.pem", key: "key.pem" },
  proxyProtocol: { from: ["10.0.0.0/8"] },
  trustedProxies: ["10.0.0.1"],
  openMetrics: false,
  sealingKey: "seal",
  passEnvironment: ["PATH"],
  rebalance: "10s",
  builderOrder: "oldest request first",
  accounts: false,
  basedir: "workers",
  workers: [worker],
  latent: [],
};

const common = {
  name: "pool",
  maxInstances: 2,
  minInstances: 1,
  parallelStarts: 1,
  startTimeout: "1m",
  retryAfter: "1m",
  idleTime: "1m",
  buildsPerInstance: 1,
  startAfter: "1m",
  cost: 1,
  maxBuilds: 1,
  capacity: 2,
  hours: { zone: "UTC", open: ["mon-fri 18:00-08:00"] },
  accepts: () => true,
  properties: { os: "linux" },
};
const [ca, cert, key] = ["CA", "CERT", "KEY"];

const kinds: Record<string, { make(options: never): PluginDescriptor<"latent-worker">; options: object }> = {
  docker: {
    make: docker,
    options: {
      ...common,
      hosts: [{ url: "https://docker.example:2376", maxInstances: 2, ca, cert, key }],
      image: "debian",
      pull: "missing",
      registry: { username: "ci", password: "token", server: "registry.example" },
      command: ["run"],
      masterUrl,
      volumes: ["/cache:/cache:ro"],
      env: { LANG: "C" },
      network: "host",
      memory: 1024 ** 3,
      cpus: 1,
      pids: 100,
      shmSize: 1024,
      tmpfs: { "/tmp": "" },
      ulimits: { nofile: [1024, 4096] },
      readonlyRoot: false,
      init: true,
      hostConfig: { Runtime: "runc" },
      stopTimeout: "10s",
      timeout: "1m",
    },
  },
  kubernetes: {
    make: kubernetes,
    options: {
      ...common,
      server: { url: "https://10.0.0.1:6443", ca, token: "t", tokenFile: "f", cert, key },
      namespace: "ci",
      image: "debian",
      command: ["run"],
      masterUrl,
      env: { LANG: "C" },
      template: {
        metadata: { labels: { a: "b" }, annotations: { a: "b" } },
        spec: { containers: [{ name: "worker", env: [{ name: "A", value: "b" }] }] },
      },
      stopTimeout: "30s",
      timeout: "1m",
    },
  },
  ec2: {
    make: ec2,
    options: {
      ...common,
      region: "eu-central-1",
      launchTemplate: "ci",
      launchTemplateVersion: "$Latest",
      image: "ami-1",
      instanceType: "c7g.large",
      subnet: "subnet-1",
      securityGroups: ["sg-1"],
      spot: true,
      script: "exec run",
      tags: { team: "core" },
      masterUrl,
      accessKeyId: "id",
      secretAccessKey: "secret",
      sessionToken: "token",
      endpoint: "https://ec2.example/",
      metadataUrl: "http://169.254.169.254",
      timeout: "1m",
    },
  },
  command: {
    make: command,
    options: {
      ...common,
      start: ["./start"],
      stop: ["./stop"],
      list: ["./list"],
      env: { LANG: "C" },
      masterUrl,
      timeout: "1m",
      host: "here",
    },
  },
  "local-process": { make: localProcess, options: { ...common, command: ["run"], env: { LANG: "C" }, masterUrl } },
};

describe("a wrong value is answered with what would be right", () => {
  it("for every option of workers", () => {
    expect(Object.keys(slice).toSorted()).toEqual(Object.keys(workersSlice.shape).toSorted());
    expect(Object.keys(worker).toSorted()).toEqual(Object.keys(workerConfig.shape).toSorted());
    expect(findUnclear(workersSlice, slice)).toEqual([]);
  });

  it.each(Object.entries(kinds))("for every option of %s", (_, { make, options }) => {
    const schema = make({} as never).plugin.options as z.ZodObject;
    expect(Object.keys(options).toSorted()).toEqual(Object.keys(schema.shape).toSorted());
    expect(findUnclear(schema, options)).toEqual([]);
  });
});
