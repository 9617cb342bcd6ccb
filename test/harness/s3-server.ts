import { AwsClient } from "aws4fetch";
import { startMoto } from "./moto.ts";

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
  const { url, stop } = await startMoto();
  return {
    url,
    async makeBucket(bucket) {
      const client = new AwsClient({ ...keys, service: "s3", region: "us-east-1" });
      const answer = await client.fetch(`${url}/${bucket}`, { method: "PUT" });
      if (!answer.ok) throw new Error(`the bucket was not made: ${answer.status} ${await answer.text()}`);
      return { endpoint: url, bucket, ...keys };
    },
    stop,
  };
}
