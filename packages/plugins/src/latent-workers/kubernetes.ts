import { renderable } from "@multimaster/config";
import { duration, positiveDuration } from "@multimaster/core";
import { z } from "zod";
import { defineLatentWorker, type InstanceLabels, type ProviderContext } from "../define-latent-worker.ts";
import { problemsOfCertificate } from "./http/client-certificate.ts";
import { describePod, type PodTemplate, podTemplate, workerContainer } from "./kubernetes/describe-pod.ts";
import { findOwnServer } from "./kubernetes/find-server.ts";
import { KubernetesApi, KubernetesRefused, type Pod } from "./kubernetes/kubernetes-api.ts";
import { masterUrl } from "./options/master-url.ts";
import { program } from "./options/program.ts";

const server = z.strictObject({
  url: z
    .string()
    .regex(/^https?:\/\/[^/]+(\/.*)?$/, 'must be "https://host:port"')
    .describe("Where the API server answers, such as https://10.0.0.1:6443."),
  ca: z.string().optional().describe("PEM of the authority that has signed its certificate."),
  token: z.string().optional().describe("Token of a service account."),
  tokenFile: z.string().optional().describe("File with such a token; it is read before each request."),
  cert: z.string().optional().describe("PEM of a client certificate, instead of a token."),
  key: z.string().optional().describe("PEM of its key."),
});

const labelName = z
  .string()
  .max(40)
  .regex(
    /^[a-z]([a-z0-9-]*[a-z0-9])?$/,
    "must be small letters, digits and '-', since it is part of the names of pods",
  );

const labelNames = {
  cluster: "multimaster.cluster",
  latent: "multimaster.latent",
  worker: "multimaster.worker",
  instance: "multimaster.instance",
} as const;

/** Reasons for which a container waits that do not pass by themselves, or only after someone has mended the image or its name. */
const hopeless = new Set([
  "CreateContainerConfigError",
  "ErrImageNeverPull",
  "ImagePullBackOff",
  "InvalidImageName",
  "RunContainerError",
]);

/** Starts workers as pods of a Kubernetes cluster. */
export default defineLatentWorker({
  type: "kubernetes",
  options: {
    name: labelName.describe("Its name, which builders use. Its instances attach as NAME-1, NAME-2, …."),
    server: server
      .optional()
      .describe(
        "The API server; absent: that of the Kubernetes cluster in which the master runs, by its service account.",
      ),
    namespace: z
      .string()
      .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, "must be the name of a namespace")
      .optional()
      .describe("Namespace of the pods; absent: that of the master's own pod, or default."),
    image: renderable(z.string().min(1))
      .optional()
      .describe("Image of the container that is the worker; absent: the template's."),
    command: renderable(program)
      .optional()
      .describe("What the container runs. It reads MASTER_URL, WORKER_NAME and WORKER_PASSWORD."),
    masterUrl: masterUrl.describe(
      "URL at which engines accept workers, as seen from a pod; a balancer's or a service's.",
    ),
    env: renderable(z.record(z.string(), z.string())).default({}).describe("Variables in the worker's container."),
    template: renderable(podTemplate)
      .prefault({})
      .describe(
        `The pod, as "metadata" and "spec" of a manifest; a function of the build request can make it. The worker is its container "${workerContainer}", or the only one.`,
      ),
    stopTimeout: duration.prefault("30s").describe("How long a pod may take to end by itself before it is killed."),
    timeout: positiveDuration.prefault("1m").describe("Longest time for one request to the API server."),
  },
  reach: () => null,
  masterUrlOf: ({ masterUrl }) => masterUrl,
  problems: ({ server: given }) => [
    ...problemsOfCertificate(given ?? {}, ["server"]),
    ...(given?.token !== undefined && given.tokenFile !== undefined
      ? [{ path: ["server", "tokenFile"], sentence: 'must not be set beside "token": only one of them is used' }]
      : []),
  ],
  warnings: (options) => [
    ...(options.server?.url.startsWith("http:")
      ? [{ path: ["server", "url"], sentence: "is not encrypted: the token can be read on the way; use https:" }]
      : []),
    ...(options.image === undefined && typeof options.template === "object" && !options.template.spec
      ? [{ path: ["image"], sentence: "is missing, and so is spec in template: no pod can be started" }]
      : []),
  ],
  async start(ctx, options, instance) {
    const api = openApi(ctx, options);
    const { image, command, env, template } = options as Rendered;
    const { masterUrl, worker, secret } = instance;
    const manifest = describePod({
      // The name is of the slot: two pods of one slot cannot exist, whatever happens.
      name: `mm-${ctx.labels.cluster.slice(0, 8)}-${worker}`,
      labels: {
        [labelNames.cluster]: ctx.labels.cluster,
        [labelNames.latent]: ctx.labels.latent,
        [labelNames.worker]: worker,
        [labelNames.instance]: String(instance.instanceid),
      },
      image,
      command,
      env: { ...env, MASTER_URL: masterUrl, WORKER_NAME: worker, WORKER_PASSWORD: secret },
      template,
    });
    const { name } = manifest.metadata;
    const made = await api.create(manifest).catch(async (error: unknown) => {
      if (!(error instanceof KubernetesRefused && error.status === 409)) throw error;
      // What is left of an earlier instance of the slot.
      await deleteIfOurs(api, name, ctx.labels, options.stopTimeout);
      return api.create(manifest);
    });
    instance.output(`made pod ${name}\n`);
    return `${name} ${made.metadata.uid}`;
  },
  async stop(ctx, options, id) {
    const [name, uid] = id.split(" ") as [string, string];
    await openApi(ctx, options).delete(name, uid, options.stopTimeout);
  },
  async list(ctx, options) {
    const api = openApi(ctx, options);
    const { cluster, latent } = ctx.labels;
    const found = await api.list({ [labelNames.cluster]: cluster, [labelNames.latent]: latent });
    return Promise.all(
      found
        .filter((pod) => carries(pod, ctx.labels))
        .map(async (pod) => {
          const { name, uid, labels, deletionTimestamp } = pod.metadata;
          const instanceid = Number(labels?.[labelNames.instance]);
          const failure = failureOf(pod);
          const isAlive = failure === undefined && deletionTimestamp === undefined;
          const log = failure === "" ? await api.readLog(name, workerContainer) : "";
          return {
            id: `${name} ${uid}`,
            instanceid: Number.isInteger(instanceid) ? instanceid : undefined,
            isAlive,
            ...(isAlive ? {} : { lastWords: failure || log }),
          };
        }),
    );
  },
  async lastWords(ctx, options, id) {
    const [name] = id.split(" ") as [string];
    return openApi(ctx, options).readLog(name, workerContainer);
  },
});

interface Rendered {
  readonly image?: string;
  readonly command?: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly template: PodTemplate;
}

interface ServerOptions {
  readonly server?: z.output<typeof server> | undefined;
  readonly namespace?: string | undefined;
  readonly timeout: number;
}

function openApi({ clock, signal }: ProviderContext, options: ServerOptions): KubernetesApi {
  const { timeout: timeoutMs } = options;
  const found = options.server ? { server: options.server, namespace: "default" } : findOwnServer();
  const namespace = options.namespace ?? found.namespace;
  return new KubernetesApi({ server: found.server, namespace, clock, timeoutMs, signal });
}

function carries({ metadata: { labels = {} } }: Pod, { cluster, latent }: InstanceLabels): boolean {
  return labels[labelNames.cluster] === cluster && labels[labelNames.latent] === latent;
}

/** Why a pod has ended or will never run; empty: its log says it; undefined: it runs or may yet. */
function failureOf({ status }: Pod): string | undefined {
  const states = status?.containerStatuses ?? [];
  const waiting = states.map(({ state }) => state?.waiting).find((one) => one?.reason && hopeless.has(one.reason));
  if (waiting) return [waiting.reason, waiting.message].filter(Boolean).join(": ");
  if (status?.phase !== "Succeeded" && status?.phase !== "Failed") return undefined;
  return [status.reason, status.message].filter(Boolean).join(": ");
}

async function deleteIfOurs(api: KubernetesApi, name: string, labels: InstanceLabels, graceMs: number): Promise<void> {
  const found = await api.get(name);
  if (!found) return;
  if (!carries(found, labels)) throw new Error(`a pod named ${name} exists and is none of this cluster`);
  await api.delete(name, found.metadata.uid, graceMs);
}
