import { ArtifactStoreFailed } from "@multimaster/plugins";
import { expect, it } from "vitest";
import { StoredUpload, type StoredUploadOptions } from "./artifact-upload.ts";

it("has ended all writes of small files when one of them fails, and begins no more", async () => {
  let [begun, open] = [0, 0];
  const store = {
    async create() {
      begun += 1;
      open += 1;
      const isFirst = begun === 1;
      const end = async () => void (open -= 1);
      return {
        async write() {
          if (isFirst) throw new ArtifactStoreFailed("the store failed");
          await new Promise((resolve) => setTimeout(resolve, 5));
        },
        finish: end,
        discard: end,
      };
    },
  };
  const abandoned: number[] = [];
  const artifacts = { begin: async () => {}, abandon: async () => void abandoned.push(open) };
  const upload = new StoredUpload({
    data: { updates: { artifacts } },
    persistence: { write: (_what: string, act: () => unknown) => act() },
    store,
    upload: { buildid: 1, stepid: 1, fromFork: false },
    maxSize: 1000,
    maxFiles: 100,
    isCache: false,
    signal: new AbortController().signal,
  } as unknown as StoredUploadOptions);
  for (let n = 0; n < 50; n += 1) {
    const writer = await upload.add(`f${n}`);
    await writer.write(Buffer.from("x"));
    await writer.end();
  }
  await expect(upload.publish()).rejects.toThrow("the store failed");
  expect([open, begun]).toEqual([0, 8]);
  await upload.discard();
  expect(abandoned).toEqual([0]);
});
