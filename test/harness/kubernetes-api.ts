import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { makeCertificate } from "./certificate.ts";
import { markedEnvironment, onCleanup } from "./cleanup.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

const workerProgram = fileURLToPath(new URL("../../packages/worker/bin/worker.mjs", import.meta.url));

const dnsLabel = z.string().regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/);
const labelValue = z.string().regex(/^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/);
const labels = z.record(
  z.string().regex(/^([a-z0-9.-]+\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/),
  labelValue,
);
const variable = z.strictObject({
  name: z.string().regex(/^[-._a-zA-Z][-._a-zA-Z0-9]*$/),
  value: z.string().optional(),
});
const quantities = z.record(z.string(), z.string().regex(/^\d+(\.\d+)?(m|[KMGT]i?)?$/));
const container = z.strictObject({
  name: dnsLabel,
  image: z.string().min(1),
  command: z.array(z.string()).optional(),
  args: z.array(z.string()).optional(),
  env: z.array(variable).optional(),
  resources: z.strictObject({ limits: quantities.optional(), requests: quantities.optional() }).optional(),
  volumeMounts: z
    .array(z.strictObject({ name: dnsLabel, mountPath: z.string(), readOnly: z.boolean().optional() }))
    .optional(),
});

/** What core/v1 says of a pod, as far as tests send it: with fieldValidation=Strict, a field too many is refused. */
const pod = z.strictObject({
  apiVersion: z.literal("v1"),
  kind: z.literal("Pod"),
  metadata: z.strictObject({
    name: dnsLabel,
    labels: labels.optional(),
    annotations: z.record(z.string(), z.string()).optional(),
  }),
  spec: z.strictObject({
    containers: z.array(container).min(1),
    restartPolicy: z.enum(["Always", "OnFailure", "Never"]).optional(),
    automountServiceAccountToken: z.boolean().optional(),
    enableServiceLinks: z.boolean().optional(),
    nodeSelector: z.record(z.string(), z.string()).optional(),
    volumes: z.array(z.strictObject({ name: dnsLabel, emptyDir: z.strictObject({}) })).optional(),
  }),
});
const deleteOptions = z.strictObject({
  apiVersion: z.literal("v1"),
  kind: z.literal("DeleteOptions"),
  gracePeriodSeconds: z.int().nonnegative(),
  preconditions: z.strictObject({ uid: z.uuid() }),
});

export interface FakePod {
  readonly uid: string;
  readonly body: z.output<typeof pod>;
  phase: "Pending" | "Running" | "Succeeded" | "Failed";
  /** Why its container waits. */
  waiting?: { reason: string; message: string };
  deletionTimestamp?: string;
  process?: ChildProcess;
}

export interface FakeKubernetes {
  /** "https://127.0.0.1:PORT" */
  readonly url: string;
  /** PEM of its certificate. */
  readonly ca: string;
  readonly token: string;
  readonly namespace: string;
  readonly pods: Map<string, FakePod>;
  /** Images that nodes can fetch. */
  readonly images: Set<string>;
  /** Method and path of every request. */
  readonly asked: string[];
  /** Adds a pod that someone else has made. */
  add(name: string, labels: Readonly<Record<string, string>>): void;
}

class Refusal extends Error {
  readonly code: number;
  readonly reason: string;

  constructor(code: number, reason: string, message: string) {
    super(message);
    this.code = code;
    this.reason = reason;
  }
}

/**
 * A stand-in for the API server of Kubernetes, strict about what its documentation says of pods: a pod "runs" our own worker
 * program. It shows that requests are well formed and in order, not what a real cluster makes of them.
 */
export async function startFakeKubernetes(images: readonly string[]): Promise<FakeKubernetes> {
  const certificate = makeCertificate();
  const [cert, key] = [readFileSync(certificate.certificate, "utf8"), readFileSync(certificate.key, "utf8")];
  const fake = {
    url: "",
    ca: cert,
    token: randomUUID(),
    namespace: "ci",
    pods: new Map<string, FakePod>(),
    images: new Set(images),
    asked: [] as string[],
    add(name: string, given: Readonly<Record<string, string>>) {
      const spec = { containers: [{ name: "c", image: "i" }] };
      const body = pod.parse({ apiVersion: "v1", kind: "Pod", metadata: { name, labels: given }, spec });
      fake.pods.set(name, { uid: randomUUID(), body, phase: "Running" });
    },
  };
  const directory = temporaryDirectory("kubernetes");
  const server = createServer({ cert, key }, (request, response) => void answer(fake, directory, request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  fake.url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  onCleanup(async () => {
    for (const { process: child } of fake.pods.values()) child?.kill("SIGKILL");
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return fake;
}

async function answer(fake: FakeKubernetes, directory: string, request: IncomingMessage, response: ServerResponse) {
  const send = (status: number, body: unknown) => {
    response.writeHead(status, { "content-type": typeof body === "string" ? "text/plain" : "application/json" });
    response.end(typeof body === "string" ? body : JSON.stringify(body));
  };
  try {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    send(...route(fake, directory, request, Buffer.concat(pieces).toString()));
  } catch (error) {
    const { code, reason } = error instanceof Refusal ? error : { code: 422, reason: "Invalid" };
    const { message } = error as Error;
    send(code, { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", message, reason, code });
  }
}

function route(fake: FakeKubernetes, directory: string, request: IncomingMessage, text: string): [number, unknown] {
  const url = new URL(request.url ?? "", "https://host");
  const what = `${request.method} ${url.pathname}`;
  fake.asked.push(what);
  if (request.headers.authorization !== `Bearer ${fake.token}`) throw new Refusal(401, "Unauthorized", "Unauthorized");
  const [, method, namespace, name, verb] =
    /^(\w+) \/api\/v1\/namespaces\/([\w-]+)\/pods(?:\/([\w.-]+))?(?:\/(log))?$/.exec(what) ?? [];
  if (method === undefined) throw new Refusal(404, "NotFound", "the server could not find the requested resource");
  if (namespace !== fake.namespace)
    throw new Refusal(403, "Forbidden", `pods is forbidden: cannot ${method} in the namespace "${namespace}"`);
  if (name === undefined && method === "GET") return [200, list(fake, url.searchParams)];
  if (name === undefined && method === "POST") {
    if (request.headers["content-type"] !== "application/json")
      throw new Refusal(415, "UnsupportedMediaType", "not JSON");
    if (url.searchParams.get("fieldValidation") !== "Strict") throw new Refusal(400, "BadRequest", "not strict");
    return [201, show(create(fake, directory, pod.parse(JSON.parse(text))))];
  }
  const found = fake.pods.get(name ?? "");
  if (!found) throw new Refusal(404, "NotFound", `pods "${name}" not found`);
  if (verb === "log") {
    z.strictObject({ container: dnsLabel, tailLines: z.literal("20"), limitBytes: z.literal("4000") }).parse(
      Object.fromEntries(url.searchParams),
    );
    return [200, "gone\n"];
  }
  if (method === "GET") return [200, show(found)];
  if (method === "DELETE") return [200, remove(fake, found, deleteOptions.parse(JSON.parse(text)))];
  throw new Refusal(405, "MethodNotAllowed", `${what} is not asked of an API server`);
}

function create(fake: FakeKubernetes, directory: string, body: z.output<typeof pod>): FakePod {
  const { name } = body.metadata;
  // Also while the former one of that name is being deleted.
  if (fake.pods.has(name)) throw new Refusal(409, "AlreadyExists", `pods "${name}" already exists`);
  const made: FakePod = { uid: randomUUID(), body, phase: "Pending" };
  fake.pods.set(name, made);
  const [worker] = body.spec.containers;
  if (!fake.images.has(worker?.image ?? ""))
    made.waiting = { reason: "ImagePullBackOff", message: `Back-off pulling image "${worker?.image}"` };
  else run(made, join(directory, made.uid));
  return made;
}

function list(fake: FakeKubernetes, query: URLSearchParams) {
  const { labelSelector } = z
    .strictObject({ labelSelector: z.string(), limit: z.string().regex(/^\d+$/), continue: z.string().optional() })
    .parse(Object.fromEntries(query));
  const wanted = labelSelector.split(",").map((one) => one.split("=") as [string, string]);
  const found = [...fake.pods.values()].filter(({ body }) =>
    wanted.every(([name, value]) => body.metadata.labels?.[name] === value),
  );
  // One pod a page: whoever reads only the first page sees too few.
  const at = Number(query.get("continue") ?? 0);
  const more = at + 1 < found.length ? { continue: String(at + 1) } : {};
  return {
    kind: "PodList",
    apiVersion: "v1",
    metadata: { resourceVersion: "1", ...more },
    items: found.slice(at, at + 1).map(show),
  };
}

function remove(
  fake: FakeKubernetes,
  found: FakePod,
  { preconditions, gracePeriodSeconds }: z.output<typeof deleteOptions>,
) {
  const { name } = found.body.metadata;
  if (preconditions.uid !== found.uid)
    throw new Refusal(
      409,
      "Conflict",
      `Precondition failed: UID in precondition: ${preconditions.uid}, UID in object meta: ${found.uid}`,
    );
  found.deletionTimestamp ??= new Date(Date.now() + gracePeriodSeconds * 1000).toISOString();
  const gone = () => void (fake.pods.get(name) === found && fake.pods.delete(name));
  const { process: child } = found;
  if (child && found.phase === "Running") {
    child.once("exit", gone);
    child.kill("SIGTERM");
  } else gone();
  return show(found);
}

function show({ uid, body, phase, waiting, deletionTimestamp }: FakePod) {
  const state = waiting ? { waiting } : phase === "Running" ? { running: {} } : {};
  return {
    ...body,
    metadata: { ...body.metadata, uid, ...(deletionTimestamp !== undefined && { deletionTimestamp }) },
    status: { phase, containerStatuses: body.spec.containers.map(({ name, image }) => ({ name, image, state })) },
  };
}

function run(made: FakePod, directory: string): void {
  const [worker] = made.body.spec.containers;
  const env = Object.fromEntries((worker?.env ?? []).map(({ name, value = "" }) => [name, value]));
  mkdirSync(directory, { recursive: true });
  const file = join(directory, "password");
  writeFileSync(file, `${env["WORKER_PASSWORD"]}\n`, { mode: 0o600 });
  const to = ["--master", env["MASTER_URL"] ?? "", "--name", env["WORKER_NAME"] ?? "", "--password-file", file];
  made.phase = "Running";
  made.process = spawn(process.execPath, [workerProgram, "start", ...to, "--basedir", directory], {
    env: { ...process.env, ...markedEnvironment() },
    stdio: "ignore",
  });
  made.process.on("exit", (code) => {
    made.phase = code === 0 ? "Succeeded" : "Failed";
  });
}
