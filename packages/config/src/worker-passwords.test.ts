import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hashPassword, readSealingKey, sealPasswordMd5 } from "@multimaster/core";
import { beforeAll, expect, it } from "vitest";
import { temporaryDirectory } from "../../../test/harness/temporary-directory.ts";
import { workersSlice } from "./slices/workers.ts";
import { checkSealedPasswords } from "./worker-passwords.ts";

let directory: string;
let passwordHash: string;
const write = (name: string, text: string, mode = 0o600) => {
  writeFileSync(join(directory, name), text);
  chmodSync(join(directory, name), mode);
};
beforeAll(async () => {
  directory = temporaryDirectory("sealing");
  passwordHash = await hashPassword("secret");
  write("key", `${Buffer.alloc(32, 1).toString("base64")}\n`);
  write("other", `${Buffer.alloc(32, 2).toString("base64")}\n`);
});

const sealed = async (key: string, name: string) =>
  sealPasswordMd5(await readSealingKey(join(directory, key)), name, "x");

async function check(passwordMd5Sealed: string, sealingKey?: string): Promise<string[]> {
  const workers = [{ name: "w1", passwordHash, passwordMd5Sealed }];
  return checkSealedPasswords(workersSlice.parse({ workers, sealingKey }), directory, "workers.ts");
}

it("opens what was sealed for this worker with the cluster's key, and nothing else", async () => {
  expect(await check(await sealed("key", "w1"), "key")).toEqual([]);
  const wrong = [
    expect.stringMatching(/^workers\.ts: workers\[0\]\.passwordMd5Sealed: was sealed with another key, or for another/),
  ];
  expect(await check(await sealed("key", "w2"), "key")).toEqual(wrong);
  expect(await check(await sealed("other", "w1"), "key")).toEqual(wrong);
  expect(await check(await sealed("key", "w1"))).toEqual([expect.stringContaining("without the sealingKey")]);
});

it("says what is wrong with the key's file", async () => {
  write("open", Buffer.alloc(32).toString("base64"), 0o644);
  write("short", Buffer.alloc(16).toString("base64"));
  const problems: [string, RegExp][] = [
    ["none", /^workers\.ts: sealingKey: .*none cannot be read: a part of the path does not exist$/],
    ["open", /^workers\.ts: sealingKey: .*open is not used: other users of this machine can read it: chmod 600/],
    ["short", /^workers\.ts: sealingKey: .*short does not hold 32 bytes in base64, as "openssl rand -base64 32"/],
  ];
  const text = await sealed("key", "w1");
  for (const [file, sentence] of problems) expect(await check(text, file)).toEqual([expect.stringMatching(sentence)]);
});

it("refuses a password with its hash, a hash that is none, and a sealed digest alone", async () => {
  const problems = (worker: object) =>
    workersSlice.safeParse({ workers: [{ name: "w1", ...worker }] }).error?.issues.map(({ path }) => path.at(-1));
  expect(problems({ passwordHash })).toBe(undefined);
  expect(problems({ passwordHash, password: "x" })).toEqual(["passwordHash"]);
  expect(problems({ passwordHash: "secret" })).toContain("passwordHash");
  expect(problems({ password: "x", passwordMd5Sealed: await sealed("key", "w1") })).toEqual(["passwordMd5Sealed"]);
  expect(problems({})).toEqual(["password"]);
});
