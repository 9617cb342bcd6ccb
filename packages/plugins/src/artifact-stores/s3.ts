import { duration } from "@multimaster/core";
import { z } from "zod";
import { type ArtifactStore, checkKey, defineArtifactStore, type ObjectWriter } from "../define-artifact-store.ts";
import { textsOf } from "./s3/answers.ts";
import { S3Client } from "./s3/client.ts";
import { MultipartWriter } from "./s3/multipart-writer.ts";

const options = z.strictObject({
  endpoint: z
    .url({ protocol: /^https?$/ })
    .describe("Address of the server, such as https://s3.eu-central-1.amazonaws.com."),
  bucket: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, "must be the name of a bucket")
    .describe("The bucket, which must exist."),
  prefix: z
    .string()
    .regex(/^[a-zA-Z0-9._/-]*$/, "must consist of letters, digits, '.', '_', '-' and '/'")
    .default("")
    .describe("Begins the name of every object, such as `ci/`. Two clusters need different ones."),
  region: z.string().min(1).default("us-east-1").describe("The region that requests are signed for."),
  accessKeyId: z.string().min(1).describe('Name of the access key, such as env("S3_ACCESS_KEY_ID").'),
  secretAccessKey: z
    .string()
    .min(1)
    .describe('The access key, such as env("S3_SECRET_ACCESS_KEY"): not to be written into the config.'),
  virtualHosted: z
    .boolean()
    .default(false)
    .describe("Name the bucket in the host (BUCKET.HOST) instead of in the path."),
  timeout: duration
    .prefault("60s")
    .describe("Longest time without an answer, or without a byte of one; then the request is tried again."),
});

/** Keeps artifacts in a bucket of an S3-compatible server: `s3({ endpoint: "https://…", bucket: "ci", … })`. */
export default defineArtifactStore({
  type: "s3",
  options,
  open({ clock }, { prefix, ...server }) {
    return createS3Store(new S3Client(server, clock), prefix);
  },
});

function createS3Store(client: S3Client, prefix: string): ArtifactStore {
  const nameOf = (key: string) => `${prefix}${checkKey(key)}`;
  return {
    description: client.description,
    create: async (key: string, signal: AbortSignal): Promise<ObjectWriter> =>
      new MultipartWriter(client, nameOf(key), signal),
    read: (key, signal, range) => client.read(nameOf(key), signal, range),
    async remove(key) {
      const name = nameOf(key);
      // First what a writer could still complete: afterwards no object can appear.
      for (const uploadId of await client.unfinishedUploads(name)) await client.abortUpload(name, uploadId);
      await client.remove(name);
    },
    async *list(signal) {
      let token: string | undefined;
      do {
        const page = await client.listPage(prefix, token, signal);
        const sizes = textsOf(page, "Size");
        for (const [i, name] of textsOf(page, "Key").entries())
          yield { key: name.slice(prefix.length), size: Number(sizes[i]) };
        token = textsOf(page, "NextContinuationToken")[0];
      } while (token !== undefined);
    },
  };
}
