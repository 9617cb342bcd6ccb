import { hostname } from "node:os";
import { renderable } from "@multimaster/config";
import { duration, positiveDuration } from "@multimaster/core";
import { z } from "zod";
import { defineLatentWorker, type InstanceLabels } from "../define-latent-worker.ts";
import { DockerHost, DockerRefused } from "./docker/docker-host.ts";
import { problemsOfCertificate } from "./http/client-certificate.ts";
import { masterUrl } from "./options/master-url.ts";
import { program } from "./options/program.ts";

const host = z.strictObject({
  url: z
    .string()
    .regex(
      /^(unix:\/\/\/.+|https?:\/\/.+)$/,
      'must be "unix:///path/of/the/socket", "http://host:port" or "https://host:port"',
    )
    .describe("Where its API answers: unix:///run/docker.sock, or https://host:2376."),
  maxInstances: z.int().positive().default(1000).describe("Maximum number of instances on this host."),
  ca: z.string().optional().describe("PEM of the authority that has signed the host's certificate."),
  cert: z.string().optional().describe("PEM of the certificate by which the host knows this cluster."),
  key: z.string().optional().describe("PEM of its key."),
});

const volumes = "must be SOURCE:TARGET or SOURCE:TARGET:OPTIONS";
/** What Docker Engine takes at least. */
const leastMemory = 6 * 1024 ** 2;
const bytes = "must be a number of bytes, such as 4 * 1024 ** 3";
const ulimits = "must be a pair of whole numbers for each name, such as { nofile: [1024, 4096] }";
const limitPair = "must be a soft and a hard limit, such as [1024, 4096]; -1: no limit";
const ulimit = z
  .tuple([z.int(limitPair).min(-1, limitPair), z.int(limitPair).min(-1, limitPair)], { error: limitPair })
  .refine(([soft, hard]) => hard === -1 || (soft !== -1 && soft <= hard), {
    message: "must have a soft limit that is at most the hard one",
  });

const labelNames = {
  cluster: "multimaster.cluster",
  latent: "multimaster.latent",
  worker: "multimaster.worker",
  instance: "multimaster.instance",
} as const;

/** The longest time for one request when a host's containers are listed, in milliseconds. */
const longestListMs = 30_000;

/** Starts workers as containers, by the API of Docker Engine, which Podman answers, too. */
export default defineLatentWorker({
  type: "docker",
  options: {
    hosts: z
      .array(host)
      .min(1)
      .prefault([{ url: "unix:///var/run/docker.sock" }])
      .describe("The container hosts; each new instance goes to the one with the fewest, for its limit."),
    image: renderable(z.string().min(1)).describe(
      "Image of the containers; a function of the build request can choose it.",
    ),
    pull: z
      .enum(["never", "missing", "always"])
      .default("missing")
      .describe("When the image is fetched before a start: never, if the host lacks it, or always."),
    registry: z
      .strictObject({
        username: z.string().min(1).describe("User, or what the registry takes for one with a token."),
        password: z.string().min(1).describe("Password or token."),
        server: z.string().min(1).optional().describe("The registry, such as registry.example; Docker needs none."),
      })
      .optional()
      .describe("Login with which images are fetched; absent: without one."),
    command: renderable(program)
      .optional()
      .describe(
        "What the container runs; absent: what its image says. It reads MASTER_URL, WORKER_NAME and WORKER_PASSWORD.",
      ),
    masterUrl: masterUrl.describe(
      "URL at which engines accept workers, as seen from a container; a balancer's when there are several engines.",
    ),
    volumes: renderable(
      z.array(z.string().regex(/^[^:]+:[^:]+(:[a-zA-Z,]+)?$/, volumes), { error: `must be a list: each ${volumes}` }),
    )
      .default([])
      .describe("Directories and volumes of the host: SOURCE:TARGET, or SOURCE:TARGET:ro."),
    env: renderable(z.record(z.string(), z.string())).default({}).describe("Variables in the container."),
    network: renderable(z.string().min(1))
      .optional()
      .describe("Network of the container, such as host or the name of one."),
    memory: renderable(z.int(bytes).min(leastMemory, `${bytes}, and at least 6 MiB`))
      .optional()
      .describe("Limit of its memory, in bytes."),
    cpus: renderable(z.number().positive()).optional().describe("Limit of its processors."),
    pids: renderable(z.int().positive()).optional().describe("Limit of its processes."),
    shmSize: renderable(z.int(bytes).min(1, bytes)).optional().describe("Size of /dev/shm, in bytes."),
    tmpfs: renderable(z.record(z.string(), z.string()))
      .default({})
      .describe("Directories in memory, by path, with their mount options."),
    ulimits: renderable(z.record(z.string(), ulimit, { error: ulimits }))
      .default({})
      .describe("Soft and hard limits by name, such as nofile: [1024, 4096]."),
    readonlyRoot: z.boolean().default(false).describe("The container may not write outside its volumes and tmpfs."),
    init: z
      .boolean()
      .default(true)
      .describe(
        "A small program of the host is process 1 and ends what the worker leaves; Podman needs catatonit for it.",
      ),
    hostConfig: renderable(z.record(z.string(), z.json()))
      .default({})
      .describe("Further fields of HostConfig of the API, as they are; they win over the options above."),
    stopTimeout: duration
      .prefault("10s")
      .describe("How long a container may take to end by itself before it is killed."),
    timeout: positiveDuration
      .prefault("15m")
      .describe("Longest time for one request to the host; fetching an image is one."),
  },
  // Sockets are of one host; a host behind a network is everyone's.
  reach: ({ hosts }) => (hosts.some(({ url }) => url.startsWith("unix:")) ? hostname() : null),
  masterUrlOf: ({ masterUrl }) => masterUrl,
  places: ({ hosts }) => hosts.map(({ url, maxInstances }) => ({ name: url, maxInstances })),
  problems: ({ hosts, minInstances }) => [
    ...hosts.flatMap((one, i) => problemsOfCertificate(one, ["hosts", i])),
    ...hosts.flatMap(({ url }, i) =>
      hosts.findIndex((other) => other.url === url) < i
        ? [{ path: ["hosts", i, "url"], sentence: "is already the URL of another host" }]
        : [],
    ),
    ...(minInstances > hosts.reduce((sum, one) => sum + one.maxInstances, 0)
      ? [{ path: ["minInstances"], sentence: "must be at most the sum of maxInstances of its hosts" }]
      : []),
  ],
  warnings: ({ hosts }) =>
    hosts.flatMap(({ url }, i) =>
      url.startsWith("http:")
        ? [
            {
              path: ["hosts", i, "url"],
              sentence:
                "is not encrypted and has no login: who reaches it controls that machine; use https: with ca, cert and key",
            },
          ]
        : [],
    ),
  async start(ctx, options, instance) {
    const api = openHost(options, instance.place, ctx.signal);
    const rendered = options as Rendered;
    await api.provideImage(rendered.image, options.pull, instance.output, options.registry);
    // The name is of the slot: two containers of one slot cannot exist, whatever happens.
    const name = `mm-${ctx.labels.cluster.slice(0, 8)}-${instance.worker}`;
    const labels = {
      [labelNames.cluster]: ctx.labels.cluster,
      [labelNames.latent]: ctx.labels.latent,
      [labelNames.worker]: instance.worker,
      [labelNames.instance]: String(instance.instanceid),
    };
    const { secret, masterUrl, worker } = instance;
    const body = describeContainer(rendered, { masterUrl, worker, secret }, labels);
    const create = () => api.create(name, body);
    const id = await create().catch(async (error: unknown) => {
      if (!(error instanceof DockerRefused && error.status === 409)) throw error;
      // What is left of an earlier instance of the slot.
      await removeIfOurs(api, name, ctx.labels, options.stopTimeout);
      return create();
    });
    try {
      await api.start(id);
    } catch (error) {
      await api.remove(id, 0).catch(() => undefined);
      throw error;
    }
    instance.output(`started container ${id.slice(0, 12)} of ${rendered.image} on ${instance.place}\n`);
    return `${instance.place} ${id}`;
  },
  async stop(ctx, options, id) {
    const [place, container] = id.split(" ") as [string, string];
    await openHost(options, place, ctx.signal).remove(container, options.stopTimeout);
  },
  async list(ctx, options, place) {
    const wanted = [`${labelNames.cluster}=${ctx.labels.cluster}`, `${labelNames.latent}=${ctx.labels.latent}`];
    // Others wait for this answer, which no image is fetched for.
    const timeout = Math.min(options.timeout, longestListMs);
    const api = openHost({ hosts: options.hosts, timeout }, place, ctx.signal);
    const found = (await api.list(wanted)).filter(({ Labels }) => carries(Labels, ctx.labels));
    return Promise.all(
      found.map(async ({ Id, State, Labels }) => {
        const isAlive = State === "running" || State === "created" || State === "restarting" || State === "paused";
        const instanceid = Number(Labels[labelNames.instance]);
        return {
          id: `${place} ${Id}`,
          instanceid: Number.isInteger(instanceid) ? instanceid : undefined,
          isAlive,
          ...(isAlive ? {} : { lastWords: await api.readLog(Id) }),
        };
      }),
    );
  },
  async lastWords(ctx, options, id) {
    const [place, container] = id.split(" ") as [string, string];
    return openHost(options, place, ctx.signal).readLog(container);
  },
});

interface Rendered {
  readonly image: string;
  readonly command?: readonly string[];
  readonly volumes: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly network?: string;
  readonly memory?: number;
  readonly cpus?: number;
  readonly pids?: number;
  readonly shmSize?: number;
  readonly tmpfs: Readonly<Record<string, string>>;
  readonly ulimits: Readonly<Record<string, readonly [number, number]>>;
  readonly readonlyRoot: boolean;
  readonly init: boolean;
  readonly hostConfig: Readonly<Record<string, unknown>>;
}

function carries(labels: Readonly<Record<string, string>>, { cluster, latent }: InstanceLabels): boolean {
  return labels[labelNames.cluster] === cluster && labels[labelNames.latent] === latent;
}

async function removeIfOurs(api: DockerHost, name: string, labels: InstanceLabels, graceMs: number): Promise<void> {
  const found = await api.inspect(name);
  if (!found) return;
  if (!carries(found.Config.Labels, labels))
    throw new Error(`a container named ${name} exists and is none of this cluster`);
  await api.remove(found.Id, graceMs);
}

function openHost(
  { hosts, timeout }: { hosts: readonly z.output<typeof host>[]; timeout: number },
  place: string | null,
  signal: AbortSignal,
): DockerHost {
  const found = hosts.find(({ url }) => url === place);
  if (!found) throw new Error(`the container host ${place} is no longer in the config`);
  return new DockerHost({ ...found, timeoutMs: timeout, signal });
}

/** The body of the API's request for a container. */
function describeContainer(
  options: Rendered,
  { masterUrl, worker, secret }: { masterUrl: string; worker: string; secret: string },
  labels: Readonly<Record<string, string>>,
) {
  const { image, command, network, memory, cpus, pids, shmSize } = options;
  const variables = { ...options.env, MASTER_URL: masterUrl, WORKER_NAME: worker, WORKER_PASSWORD: secret };
  return {
    Image: image,
    ...(command && { Cmd: command }),
    Env: Object.entries(variables).map(([name, value]) => `${name}=${value}`),
    Labels: labels,
    HostConfig: {
      Binds: options.volumes,
      Tmpfs: options.tmpfs,
      ReadonlyRootfs: options.readonlyRoot,
      Ulimits: Object.entries(options.ulimits).map(([Name, [Soft, Hard]]) => ({ Name, Soft, Hard })),
      Init: options.init,
      ...(network !== undefined && { NetworkMode: network }),
      ...(memory !== undefined && { Memory: memory }),
      ...(cpus !== undefined && { NanoCpus: Math.round(cpus * 1e9) }),
      ...(pids !== undefined && { PidsLimit: pids }),
      ...(shmSize !== undefined && { ShmSize: shmSize }),
      ...options.hostConfig,
    },
  };
}
