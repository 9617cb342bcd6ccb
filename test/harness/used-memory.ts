import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { temporaryDirectory } from "./temporary-directory.ts";
import { waitFor } from "./wait-for.ts";

const preload = fileURLToPath(new URL("memory-preload.mjs", import.meta.url));
const usage = z.object({ rss: z.number(), heapUsed: z.number() });

/** Megabytes of a process after a garbage collection. */
export interface UsedMemory {
  readonly resident: number;
  readonly heap: number;
}

/** What a master is started with so that it can be asked for its memory, and how it is asked. */
export function createMemoryProbe(): {
  readonly nodeArgs: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  read(): Promise<UsedMemory>;
} {
  const file = join(temporaryDirectory("memory"), "port");
  return {
    nodeArgs: ["--expose-gc", "--import", preload],
    env: { MEMORY_PORT_FILE: file },
    async read() {
      await waitFor(() => existsSync(file), { what: "the master to listen for questions about its memory" });
      const answer = await fetch(`http://127.0.0.1:${readFileSync(file, "utf8")}/`);
      const { rss, heapUsed } = usage.parse(await answer.json());
      return { resident: rss / 2 ** 20, heap: heapUsed / 2 ** 20 };
    },
  };
}
