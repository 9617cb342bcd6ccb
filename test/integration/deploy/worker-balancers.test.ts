import { type Logger, silentLog } from "@multimaster/core";
import { createWorkerListener, formatBasicAuth, passwordMd5, type WorkerLink } from "@multimaster/wire";
import { expect, it } from "vitest";
import { WebSocket } from "ws";
import { startHaproxy } from "../../harness/haproxy.ts";
import { startNginxForWorkers } from "../../harness/nginx.ts";
import { freePort } from "../../harness/ports.ts";
import { ScriptedPbWorker } from "../../harness/scripted-pb-worker.ts";
import { waitFor } from "../../harness/wait-for.ts";

/** An address of this machine that is not the balancer's. */
const client = "127.0.0.2";

async function startEnginePort() {
  const links: WorkerLink[] = [];
  const said: string[] = [];
  const warn = (...args: unknown[]) => void said.push(String(args.at(-1)));
  const listener = createWorkerListener({
    host: "127.0.0.1",
    port: await freePort(),
    log: { ...silentLog, warn, error: warn } as unknown as Logger,
    sendsProxyHeader: (address) => address.endsWith("127.0.0.1"),
    isReady: () => true,
    authenticate: (_, password) => password === "right",
    onWorker: (link) => void links.push(link),
    pb: { passwordMd5Of: () => passwordMd5("right"), takes: () => true },
  });
  await listener.start();
  return { listener, links, said, port: listener.address().port };
}

const balancers = {
  async HAProxy(engine: number) {
    const haproxy = await startHaproxy({ engines: [engine], proxyProtocol: true });
    return { pb: haproxy.pbWorkersPort, msgpack: haproxy.workersPort, stop: () => haproxy.stop() };
  },
  async nginx(engine: number) {
    const port = await startNginxForWorkers([engine]);
    return { pb: port, msgpack: port, stop: async () => undefined };
  },
};

it.each(Object.entries(balancers))(
  "%s takes workers of both protocols, and names their address to the engine",
  async (_, start) => {
    const { listener, links, said, port } = await startEnginePort();
    const balancer = await start(port);
    const open = (password: string) => {
      const headers = { authorization: formatBasicAuth("w1", password) };
      const socket = new WebSocket(`ws://127.0.0.1:${balancer.msgpack}`, { headers, localAddress: client });
      return socket.on("error", () => undefined);
    };
    // HAProxy has to see first that the engine is there.
    await waitFor(
      async () => {
        const socket = open("right");
        return new Promise<boolean>((resolve) => {
          socket.once("open", () => resolve(true));
          socket.once("close", () => resolve(false));
        });
      },
      { what: "a worker with MessagePack to be let in" },
    );
    open("wrong");
    await waitFor(() => said.some((line) => line.includes(client)), { what: "a refused worker with MessagePack" });

    await new ScriptedPbWorker(balancer.pb, client).login("w2", "right");
    await waitFor(() => links.some((link) => link.protocol === "pb"), { what: "a worker with pb" });
    await new ScriptedPbWorker(balancer.pb, client).login("w3", "wrong");
    await waitFor(() => said.length > 1, { what: "a refused worker with pb" });
    expect(said).toEqual([
      `Worker "w1" from ${client} was refused: no worker with that name and password is configured.`,
      `Worker "w3" from ${client} was refused: no worker with that name and password is configured.`,
    ]);
    expect(new Set(links.map((link) => link.protocol))).toEqual(new Set(["msgpack", "pb"]));
    await listener.stop();
    await balancer.stop();
  },
);
