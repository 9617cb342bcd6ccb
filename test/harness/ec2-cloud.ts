import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { AwsClient } from "aws4fetch";
import { markedEnvironment, onCleanup } from "./cleanup.ts";
import { startMoto } from "./moto.ts";
import { startProcess, type TestProcess } from "./processes.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

const worker = fileURLToPath(new URL("../../packages/worker/bin/worker.mjs", import.meta.url));
const region = "eu-central-1";

/** An instance as the API describes it: its XML. */
export type Machine = { readonly id: string; readonly state: string; readonly xml: string };

/** A stand-in for Amazon EC2: moto answers the API, and a process runs the user data of each instance as its machine would. */
export interface Ec2Cloud {
  readonly url: string;
  readonly region: string;
  readonly image: string;
  /** Everything that was ever started. */
  machines(): Promise<Machine[]>;
  /** Sends a request of the test's own. */
  ask(action: string, parameters?: Readonly<Record<string, string>>): Promise<string>;
  /** What a machine runs at its start. */
  userData(id: string): Promise<string>;
}

export async function startEc2Cloud(): Promise<Ec2Cloud> {
  const { url } = await startMoto();
  const client = new AwsClient({ accessKeyId: "test", secretAccessKey: "test", service: "ec2", region, retries: 0 });
  const ask = async (action: string, parameters: Readonly<Record<string, string>> = {}) => {
    const body = new URLSearchParams({ Action: action, Version: "2016-11-15", ...parameters }).toString();
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    const answer = await client.fetch(url, { method: "POST", headers, body });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${action}: ${answer.status} ${text}`);
    return text;
  };
  const machines = async () => {
    const text = await ask("DescribeInstances");
    // Each request of these tests starts one instance, so each is a reservation of its own.
    return text
      .split("<reservationId>")
      .slice(1)
      .map((xml) => ({
        id: /<instanceId>([^<]+)/.exec(xml)?.[1] ?? "",
        state: /<instanceState>.*?<name>([\w-]+)</s.exec(xml)?.[1] ?? "",
        xml,
      }));
  };
  const userData = async (InstanceId: string) => {
    const text = await ask("DescribeInstanceAttribute", { InstanceId, Attribute: "userData" });
    return Buffer.from(/<value>([^<]*)</.exec(text)?.[1] ?? "", "base64").toString();
  };
  const [image] = /ami-\w+/.exec(await ask("DescribeImages")) ?? [];
  if (image === undefined) throw new Error("moto has no image");

  const programs = temporaryDirectory("ec2");
  writeFileSync(join(programs, "multimaster-worker"), `#!/bin/sh\nexec '${process.execPath}' '${worker}' "$@"\n`, {
    mode: 0o755,
  });
  const running = new Map<string, TestProcess>();
  const follow = async () => {
    for (const { id, state } of await machines()) {
      const process = running.get(id);
      if (state === "running" && !process) running.set(id, await boot(programs, id, await userData(id)));
      if (state === "terminated" && process && !process.exit()) await process.kill();
    }
  };
  let isOver = false;
  const following = (async () => {
    while (!isOver) {
      await follow().catch((error: unknown) => isOver || console.warn(error));
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  })();
  onCleanup(async () => {
    isOver = true;
    await following;
    for (const process of running.values()) await process.kill();
  });
  return { url, region, image, machines, ask, userData };
}

function boot(programs: string, id: string, script: string): Promise<TestProcess> {
  const directory = join(programs, id);
  mkdirSync(directory);
  return startProcess({
    name: `machine ${id}`,
    command: "sh",
    args: ["-c", script],
    cwd: directory,
    env: {
      ...markedEnvironment(),
      PATH: `${programs}:${dirname(process.execPath)}:${process.env["PATH"]}`,
      TMPDIR: directory,
      WORKER_BASEDIR: join(directory, "work"),
    },
  });
}
