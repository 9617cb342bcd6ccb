import { connect, createServer } from "node:net";
import { waitFor } from "./wait-for.ts";

/** A TCP port of 127.0.0.1 that is free now. For programs that cannot choose a free port themselves. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = typeof address === "object" && address ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

/** Several ports that are free now and differ from each other. */
export async function freePorts(count: number): Promise<number[]> {
  const found = new Set<number>();
  while (found.size < count) found.add(await freePort());
  return [...found];
}

/** Whether something accepts connections there. */
export function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    const finish = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("connect", () => finish(true));
    socket.once("error", () => finish(false));
  });
}

/** Waits until nothing listens there any more. */
export async function waitUntilClosed(port: number, what: string, timeoutMs = 30_000): Promise<void> {
  await waitFor(async () => !(await isListening(port)), { what: `${what} to free port ${port}`, timeoutMs });
}
