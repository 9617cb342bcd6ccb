import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type AddressInfo, createServer, type Server } from "node:net";
import { join } from "node:path";
import { describeCause } from "@multimaster/core";
import { expect, it, onTestFinished } from "vitest";
import { freePort } from "../../../../test/harness/ports.ts";
import { temporaryDirectory } from "../../../../test/harness/temporary-directory.ts";
import { DockerHost } from "./docker/docker-host.ts";
import { readRoleKeys } from "./ec2/credentials.ts";
import { Ec2Api } from "./ec2/ec2-api.ts";
import { explainFailure } from "./http/explain-failure.ts";
import { KubernetesApi } from "./kubernetes/kubernetes-api.ts";

const { signal } = new AbortController();
const patientMs = 30_000;
const shortMs = 300;

/** Asks each kind of provider for a list, as an engine does every 15 seconds. */
const kinds: Readonly<Record<string, (url: string, timeoutMs: number) => Promise<unknown>>> = {
  docker: (url, timeoutMs) => new DockerHost({ url, timeoutMs, signal }).list([]),
  kubernetes: (url, timeoutMs) => {
    const clock = { now: Date.now } as never;
    return new KubernetesApi({ server: { url }, namespace: "ci", clock, timeoutMs, signal }).list({});
  },
  ec2: (url, timeoutMs) => {
    const keys = { accessKeyId: "a", secretAccessKey: "b" };
    return new Ec2Api({ endpoint: url, region: "r", keys, timeoutMs, signal }).list({});
  },
  "ec2 role": (url) => readRoleKeys(url, signal),
};

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const answer = (status: number, text: string) =>
  listen(
    createHttpServer(
      (_request: IncomingMessage, response: ServerResponse) => void response.writeHead(status).end(text),
    ),
  );

/** Faults that each kind of provider may have, and what must be said of them. */
const faults: Readonly<Record<string, { url(): Promise<string>; says: RegExp }>> = {
  "nothing listens": {
    url: async () => `http://127.0.0.1:${await freePort()}`,
    says: /no program listens at 127\.0\.0\.1:\d+: start it, or correct the URL$/,
  },
  "it speaks no TLS": {
    url: async () => `https://${await answer(200, "")}`,
    says: /it does not speak TLS at this port: correct the URL$/,
  },
  "it breaks off": {
    url: async () => `http://${await listen(createServer((socket) => void socket.destroy()))}`,
    says: /it broke the connection off$/,
  },
  "it is another server": {
    url: async () => `http://${await answer(200, "<html>welcome</html>")}`,
    says: /(answered with something else than JSON: correct its URL|something else than EC2's API)$/,
  },
  "it is another JSON": {
    url: async () => `http://${await answer(200, '{ "items": 7 }')}`,
    says: /something else than (its API: .*expected|EC2's API)/,
  },
};

for (const [kind, ask] of Object.entries(kinds))
  it.each(Object.entries(faults))(
    `${kind}: %s, in one sentence that names the server`,
    async (_fault, { url, says }) => {
      const asked = await url();
      const error = await ask(asked, patientMs).then(
        () => undefined,
        (failure: unknown) => failure,
      );
      const sentence = describeCause(error);
      expect(sentence).toMatch(says);
      expect(sentence).toContain(new URL(asked).host);
      // Nothing more is said in other lines.
      expect((error as Error).message).toBe(sentence);
    },
  );

it("a socket that is missing, or that no one listens at", async () => {
  const path = join(temporaryDirectory("socket"), "docker.sock");
  const list = () => kinds["docker"]?.(`unix://${path}`, patientMs);
  await expect(list()).rejects.toThrow(
    `the container host unix://${path} does not answer: there is no socket at ${path}: start what listens there (docker.socket, podman.socket), or correct the path`,
  );
});

it.each([
  ["ENOTFOUND", "https://ci.invalid:6443", "the name ci.invalid cannot be resolved: correct the URL"],
  ["EHOSTUNREACH", "https://10.0.0.1:6443", "no route leads from this master to 10.0.0.1"],
  [
    "SELF_SIGNED_CERT_IN_CHAIN",
    "https://ci",
    'its certificate is not accepted (SELF_SIGNED_CERT_IN_CHAIN): set "ca" to that of its authority',
  ],
  [
    "EACCES",
    "unix:///run/docker.sock",
    "this master's user may not open the socket /run/docker.sock: add the user to its group",
  ],
  ["ECONNREFUSED", "unix:///run/docker.sock", "no program listens at the socket /run/docker.sock: start it again"],
])("%s at %s", (code, url, sentence) => {
  const error = new TypeError("fetch failed", { cause: Object.assign(new AggregateError([]), { code }) });
  expect(explainFailure(error, { url, timeoutMs: 1000 })).toBe(sentence);
});

it("a server that does not answer in time", async () => {
  const url = `http://${await listen(createServer(() => undefined))}`;
  for (const kind of ["docker", "kubernetes", "ec2"])
    await expect(kinds[kind]?.(url, shortMs)).rejects.toThrow(/does not answer.*: it gave no answer within 0\.3 s$/);
});
