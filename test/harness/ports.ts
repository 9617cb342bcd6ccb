import { randomInt } from "node:crypto";
import { mkdirSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { removeAtEnd } from "./cleanup.ts";
import { waitFor } from "./wait-for.ts";

/** Below those that systems give to outgoing connections: no connection takes a port before the test's program does. */
const ports = { first: 12_000, count: 20_000 };

/**
 * A TCP port of 127.0.0.1 that is free now, and that no other test takes while this test file runs. For programs that cannot
 * choose a free port themselves.
 */
export async function freePort(): Promise<number> {
  for (let at = randomInt(ports.count); ; at = (at + 1) % ports.count) {
    const port = ports.first + at;
    if (claimPort(port) && (await isFree(port))) return port;
  }
}

/** A directory for each port that a test of this machine has taken and may not listen on yet. */
function claimPort(port: number): boolean {
  const claims = join(tmpdir(), "multimaster-test-ports");
  mkdirSync(claims, { recursive: true });
  const claim = join(claims, String(port));
  try {
    mkdirSync(claim);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
  removeAtEnd(claim);
  return true;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
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
