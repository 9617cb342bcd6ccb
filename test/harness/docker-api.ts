import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { markedEnvironment, onCleanup } from "./cleanup.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

const workerProgram = fileURLToPath(new URL("../../packages/worker/bin/worker.mjs", import.meta.url));

/** What the API of Docker Engine takes for a container, as far as this project sends it: a field too many is refused. */
const newContainer = z.strictObject({
  Image: z.string(),
  Cmd: z.array(z.string()).optional(),
  Env: z.array(z.string().regex(/^\w+=/)),
  Labels: z.record(z.string(), z.string()),
  HostConfig: z.strictObject({
    Binds: z.array(z.string()),
    Tmpfs: z.record(z.string(), z.string()),
    ReadonlyRootfs: z.boolean(),
    Ulimits: z.array(z.strictObject({ Name: z.string(), Soft: z.int(), Hard: z.int() })),
    Init: z.boolean(),
    NetworkMode: z.string().optional(),
    Memory: z.int().optional(),
    NanoCpus: z.int().optional(),
    PidsLimit: z.int().optional(),
    ShmSize: z.int().optional(),
  }),
});

interface Container {
  readonly id: string;
  readonly name: string;
  readonly body: z.output<typeof newContainer>;
  state: "created" | "running" | "exited";
  process?: ChildProcess;
}

export interface FakeDockerHost {
  /** "unix:///…" */
  readonly url: string;
  readonly containers: Map<string, Container>;
  /** Images that it has. */
  readonly images: Set<string>;
  /** Images that a registry would have. */
  readonly registry: Set<string>;
  /** Images that the registry has only for the user "ci" with the password "token". */
  readonly closed: Set<string>;
  /** Method and path of every request, without the version. */
  readonly asked: string[];
  /** Adds a container that someone else has made. */
  add(name: string, labels: Readonly<Record<string, string>>): void;
}

/**
 * A stand-in for a host with Docker, strict about what it is sent: a container "runs" our own worker program. It shows that
 * requests are well formed and in order, not what a real host makes of them.
 */
export async function startFakeDockerHost(images: readonly string[]): Promise<FakeDockerHost> {
  const directory = temporaryDirectory("docker");
  const socket = join(directory, "docker.sock");
  const host: FakeDockerHost = {
    url: `unix://${socket}`,
    containers: new Map(),
    images: new Set(images),
    registry: new Set(),
    closed: new Set(),
    asked: [],
    add(name, labels) {
      const id = randomBytes(32).toString("hex");
      const body = newContainer.parse({ Image: "i", Env: [], Labels: labels, HostConfig: emptyHostConfig });
      host.containers.set(id, { id, name, body, state: "running" });
    },
  };
  const server = createServer((request, response) => {
    void answer(host, directory, request).then(
      ({ status, body }) => send(response, status, body),
      (error: Error) => send(response, 400, { message: error.message }),
    );
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  onCleanup(async () => {
    for (const { process: child } of host.containers.values()) child?.kill("SIGKILL");
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return host;
}

const emptyHostConfig = { Binds: [], Tmpfs: {}, ReadonlyRootfs: false, Ulimits: [], Init: true };

interface Answer {
  readonly status: number;
  readonly body?: unknown;
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(typeof body === "string" ? body : body === undefined ? undefined : JSON.stringify(body));
}

async function answer(host: FakeDockerHost, directory: string, request: IncomingMessage): Promise<Answer> {
  const url = new URL(request.url ?? "", "http://host");
  const path = url.pathname.replace(/^\/v1\.41/, "");
  if (path === url.pathname) return { status: 400, body: { message: "no version in the path" } };
  const what = `${request.method} ${path}`;
  host.asked.push(what);
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  if (what === "POST /containers/create") {
    const name = url.searchParams.get("name") ?? "";
    const body = newContainer.parse(JSON.parse(Buffer.concat(pieces).toString()));
    return create(host, name, body);
  }
  if (what === "POST /images/create") {
    return pull(host, url.searchParams.get("fromImage") ?? "", request.headers["x-registry-auth"]);
  }
  if (what === "GET /containers/json") return list(host, url.searchParams);
  const image = /^GET \/images\/([^/]+)\/json$/.exec(what);
  if (image)
    return { status: host.images.has(decodeURIComponent(image[1] ?? "")) ? 200 : 404, body: { message: "none" } };
  const [, method, id, verb] = /^(\w+) \/containers\/([\w.-]+)(?:\/(\w+))?$/.exec(what) ?? [];
  const found = [...host.containers.values()].find((one) => one.id === id || one.name === id);
  if (!found) return { status: 404, body: { message: `No such container: ${id}` } };
  switch (`${method} ${verb ?? ""}`) {
    case "POST start":
      run(host, found, join(directory, found.id.slice(0, 12)));
      return { status: 204 };
    case "POST stop":
      if (found.state !== "running") return { status: 304 };
      await end(found);
      return { status: 204 };
    case "DELETE ":
      await end(found);
      host.containers.delete(found.id);
      return { status: 204 };
    case "GET json":
      return { status: 200, body: { Id: found.id, Config: { Labels: found.body.Labels } } };
    case "GET logs":
      return { status: 200, body: "\u0001\u0000\u0000\u0000\u0000\u0000\u0000\u0005gone\n" };
    default:
      return { status: 405, body: { message: `${what} is not asked of a host` } };
  }
}

function create(host: FakeDockerHost, name: string, body: z.output<typeof newContainer>): Answer {
  if (!host.images.has(body.Image)) return { status: 404, body: { message: `No such image: ${body.Image}` } };
  const isTaken = [...host.containers.values()].some((one) => one.name === name);
  if (isTaken) return { status: 409, body: { message: `The name ${name} is in use` } };
  const id = randomBytes(32).toString("hex");
  host.containers.set(id, { id, name, body, state: "created" });
  return { status: 201, body: { Id: id, Warnings: [] } };
}

const login = z.strictObject({ username: z.string(), password: z.string(), serveraddress: z.string().optional() });

function pull(host: FakeDockerHost, image: string, auth: string | string[] | undefined): Answer {
  const given =
    auth === undefined ? undefined : login.parse(JSON.parse(Buffer.from(String(auth), "base64url").toString()));
  if (host.closed.has(image) && !(given?.username === "ci" && given.password === "token"))
    return { status: 500, body: { message: `unauthorized: authentication required for ${image}` } };
  const lines: object[] = [{ status: `Pulling from ${image}` }, { status: "Downloading", id: "layer" }];
  if (host.registry.has(image) || host.closed.has(image)) host.images.add(image.replace(/:latest$/, "")).add(image);
  else lines.push({ error: `manifest for ${image} not found` });
  return { status: 200, body: lines.map((line) => `${JSON.stringify(line)}\r\n`).join("") };
}

function list(host: FakeDockerHost, query: URLSearchParams): Answer {
  const { label } = z.strictObject({ label: z.array(z.string()) }).parse(JSON.parse(query.get("filters") ?? ""));
  const wanted = label.map((text) => text.split("=") as [string, string]);
  const found = [...host.containers.values()].filter(
    ({ body, state }) =>
      (query.get("all") === "true" || state === "running") &&
      wanted.every(([name, value]) => body.Labels[name] === value),
  );
  return { status: 200, body: found.map(({ id, state, body }) => ({ Id: id, State: state, Labels: body.Labels })) };
}

function run(_host: FakeDockerHost, container: Container, directory: string): void {
  container.state = "running";
  const env = Object.fromEntries(container.body.Env.map((one) => [one.split("=")[0], one.slice(one.indexOf("=") + 1)]));
  mkdirSync(directory, { recursive: true });
  const file = join(directory, "password");
  writeFileSync(file, `${env["WORKER_PASSWORD"]}\n`, { mode: 0o600 });
  const to = ["--master", env["MASTER_URL"] ?? "", "--name", env["WORKER_NAME"] ?? "", "--password-file", file];
  container.process = spawn(process.execPath, [workerProgram, "start", ...to, "--basedir", directory], {
    env: { ...process.env, ...markedEnvironment() },
    stdio: "ignore",
  });
  container.process.on("exit", () => {
    container.state = "exited";
  });
}

async function end(container: Container): Promise<void> {
  const { process: child } = container;
  if (child && container.state === "running") {
    const ended = new Promise((resolve) => child.on("exit", resolve));
    child.kill("SIGTERM");
    await ended;
  }
  container.state = "exited";
}
