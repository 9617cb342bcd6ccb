import { spawn } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { isolatedGitEnvironment } from "./git-repository.ts";

export interface GitHttpServer {
  /** host:port */
  readonly host: string;
  /** How many requests came with the right credentials, and with none or others. */
  readonly counts: { right: number; wrong: number };
  stop(): Promise<void>;
}

/**
 * Serves the repositories below a directory over HTTP to clients with the user name and password, and files of Git LFS by their
 * SHA-256. "files": as plain files, as a server without git does.
 */
export async function startGitHttpServer(
  directory: string,
  user: { name: string; password: string },
  { large = new Map(), kind = "git" }: { large?: ReadonlyMap<string, Buffer>; kind?: "git" | "files" } = {},
): Promise<GitHttpServer> {
  const expected = `Basic ${Buffer.from(`${user.name}:${user.password}`).toString("base64")}`;
  const counts = { right: 0, wrong: 0 };
  const server = createServer((request, response) => {
    if (request.headers.authorization !== expected) {
      counts.wrong += 1;
      response.writeHead(401, { "WWW-Authenticate": 'Basic realm="git"' }).end();
      return;
    }
    counts.right += 1;
    const path = new URL(request.url ?? "/", "http://127.0.0.1").pathname;
    const oid = /^\/large\/([0-9a-f]+)$/.exec(path)?.[1];
    if (oid !== undefined) response.end(large.get(oid));
    else if (path.endsWith("/info/lfs/objects/batch")) answerBatch(large, request, response);
    else if (kind === "files") sendFile(join(directory, path), response);
    else runBackend(directory, request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    counts,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Tells a client of Git LFS where its files are. */
async function answerBatch(large: ReadonlyMap<string, Buffer>, request: IncomingMessage, response: ServerResponse) {
  let body = "";
  for await (const block of request) body += block;
  const { objects } = JSON.parse(body) as { objects: { oid: string; size: number }[] };
  const answer = objects.map(({ oid, size }) =>
    large.has(oid)
      ? {
          oid,
          size,
          authenticated: false,
          actions: { download: { href: `http://${request.headers.host}/large/${oid}` } },
        }
      : { oid, size, error: { code: 404, message: "not there" } },
  );
  response
    .writeHead(200, { "Content-Type": "application/vnd.git-lfs+json" })
    .end(JSON.stringify({ transfer: "basic", objects: answer }));
}

function sendFile(path: string, response: ServerResponse): void {
  const isFile = statSync(path, { throwIfNoEntry: false })?.isFile() === true;
  response.writeHead(isFile ? 200 : 404).end(isFile ? readFileSync(path) : "");
}

function runBackend(directory: string, request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? "/", "http://127.0.0.1");
  const child = spawn("git", ["http-backend"], {
    env: {
      ...isolatedGitEnvironment(directory),
      GIT_PROJECT_ROOT: directory,
      GIT_HTTP_EXPORT_ALL: "1",
      PATH_INFO: url.pathname,
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method ?? "GET",
      CONTENT_TYPE: request.headers["content-type"] ?? "",
      HTTP_CONTENT_ENCODING: request.headers["content-encoding"] ?? "",
      GIT_PROTOCOL: String(request.headers["git-protocol"] ?? ""),
      REMOTE_USER: "ci",
    },
    stdio: ["pipe", "pipe", "ignore"],
  });
  child.stdin.on("error", () => undefined);
  request.pipe(child.stdin);
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  child.on("close", () => {
    const output = Buffer.concat(chunks);
    const at = output.indexOf("\r\n\r\n");
    let status = 200;
    for (const line of output.subarray(0, at).toString().split("\r\n")) {
      const [name = "", value = ""] = line.split(/:\s*(.*)/s);
      if (name.toLowerCase() === "status") status = Number.parseInt(value, 10);
      else response.setHeader(name, value);
    }
    response.writeHead(status).end(output.subarray(at + 4));
  });
}
