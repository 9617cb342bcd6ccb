import { connect, createServer, type Socket } from "node:net";
import { onCleanup } from "./cleanup.ts";

/** A balancer before the worker ports of engines, on the level of TCP. */
export interface WorkerFront {
  readonly port: number;
  stop(): Promise<void>;
}

/** Sends each connection to the next engine in turn; one that does not accept it is passed over. */
export async function startWorkerFront(ports: readonly number[]): Promise<WorkerFront> {
  const sockets = new Set<Socket>();
  let turn = 0;
  const own = (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
  };
  const server = createServer({ pauseOnConnect: true, noDelay: true }, (client) => {
    own(client);
    const first = turn++;
    const attempt = (tried: number): void => {
      if (tried === ports.length || client.destroyed) return void client.destroy();
      const engine = connect({ port: ports[(first + tried) % ports.length] as number, host: "127.0.0.1" });
      const refused = () => attempt(tried + 1);
      engine.once("error", refused);
      engine.once("connect", () => {
        engine.off("error", refused);
        own(engine);
        engine.setNoDelay(true);
        client.pipe(engine).pipe(client);
        client.once("close", () => engine.destroy());
        engine.once("close", () => client.destroy());
        client.resume();
      });
    };
    attempt(0);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", 2048, resolve));
  const stop = async () => {
    forget();
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
  const forget = onCleanup(stop);
  return { port: (server.address() as { port: number }).port, stop };
}
