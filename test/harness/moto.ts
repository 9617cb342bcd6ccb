import { join } from "node:path";
import { componentDirectory } from "../setup.mjs";
import { freePort, isListening } from "./ports.ts";
import { startProcess } from "./processes.ts";
import { temporaryDirectory } from "./temporary-directory.ts";
import { waitFor } from "./wait-for.ts";

/** Starts moto's server, which answers APIs of Amazon and keeps what it is given in memory. */
export async function startMoto(): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const port = await freePort();
  const server = await startProcess({
    name: "moto",
    command: join(componentDirectory("moto"), "bin", "moto_server"),
    args: ["-H", "127.0.0.1", "-p", String(port)],
    cwd: temporaryDirectory("moto"),
    env: { PYTHONUNBUFFERED: "1", MOTO_ENABLE_AMI_VALIDATION: "1" },
    stopSignal: "SIGTERM",
    stopTimeoutMs: 20_000,
  });
  await waitFor(async () => server.exit() !== undefined || (await isListening(port)), {
    what: `moto to listen on port ${port}`,
    timeoutMs: 120_000,
  });
  return { url: `http://127.0.0.1:${port}`, stop: async () => void (await server.stop()) };
}
