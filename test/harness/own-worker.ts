import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startProcess, type TestProcess } from "./processes.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

const program = fileURLToPath(new URL("../../packages/worker/bin/worker.mjs", import.meta.url));

export interface OwnWorkerOptions {
  port: number;
  name: string;
  password: string;
}

/** The project's own worker program, as an operator starts it. */
export async function startOwnWorker({ port, name, password }: OwnWorkerOptions): Promise<TestProcess> {
  const directory = temporaryDirectory("own-worker");
  const passwordFile = join(directory, "password");
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  const master = `ws://127.0.0.1:${port}`;
  return startProcess({
    name: `worker ${name}`,
    command: process.execPath,
    args: [
      program,
      "start",
      "--master",
      master,
      "--name",
      name,
      "--password-file",
      passwordFile,
      "--basedir",
      join(directory, "base"),
    ],
  });
}
