import { join } from "node:path";
import { AwsClient } from "aws4fetch";
import { componentDirectory } from "../setup.mjs";
import { freePort, isListening } from "./ports.ts";
import { startProcess } from "./processes.ts";
import { temporaryDirectory } from "./temporary-directory.ts";
import { waitFor } from "./wait-for.ts";

/** The options of a store in a bucket of its own. */
export interface TestBucket {
  readonly endpoint: string;
  readonly bucket: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export interface TestS3 {
  readonly url: string;
  /** Makes a bucket. */
  makeBucket(name: string): Promise<TestBucket>;
  stop(): Promise<void>;
}

const keys = { accessKeyId: "test", secretAccessKey: "not-so-secret" };

/** Starts moto's server, which speaks S3 and keeps what it is given in memory. */
export async function startS3(): Promise<TestS3> {
  const port = await freePort();
  const server = await startProcess({
    name: "moto",
    command: join(componentDirectory("moto"), "bin", "moto_server"),
    args: ["-H", "127.0.0.1", "-p", String(port)],
    cwd: temporaryDirectory("moto"),
    env: { PYTHONUNBUFFERED: "1" },
    stopSignal: "SIGTERM",
    stopTimeoutMs: 20_000,
  });
  await waitFor(async () => server.exit() !== undefined || (await isListening(port)), {
    what: `moto to listen on port ${port}`,
    timeoutMs: 120_000,
  });
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    async makeBucket(bucket) {
      const client = new AwsClient({ ...keys, service: "s3", region: "us-east-1" });
      const answer = await client.fetch(`${url}/${bucket}`, { method: "PUT" });
      if (!answer.ok) throw new Error(`the bucket was not made: ${answer.status} ${await answer.text()}`);
      return { endpoint: url, bucket, ...keys };
    },
    stop: () => server.stop(),
  };
}
