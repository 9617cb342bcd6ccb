import { chmodSync, copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { makeCertificate, type TestCertificate } from "../../../test/harness/certificate.ts";
import { temporaryDirectory } from "../../../test/harness/temporary-directory.ts";
import { workersSlice } from "./slices/workers.ts";
import { checkWorkerTls } from "./worker-tls.ts";

let good: TestCertificate;
let directory: string;
beforeAll(() => {
  good = makeCertificate(100);
  directory = temporaryDirectory("worker-tls");
  copyFileSync(good.certificate, join(directory, "c.pem"));
  copyFileSync(good.key, join(directory, "k.pem"));
});

async function check(tls: { certificate: string; key: string } | undefined) {
  const { problems, warnings } = await checkWorkerTls({ tls }, directory, "workers.ts");
  return [problems, warnings];
}

it("finds a certificate that can be served, relative to the config", async () => {
  expect(await check({ certificate: "c.pem", key: "k.pem" })).toEqual([[], []]);
  expect(await check(undefined)).toEqual([[], []]);
});

it("names the file that is wrong, and why", async () => {
  writeFileSync(join(directory, "empty.pem"), "");
  const other = makeCertificate().key;
  const problems: [string, string, string][] = [
    ["none.pem", "k.pem", `tls.certificate: ${directory}/none.pem cannot be read: a part of the path does not exist`],
    ["c.pem", "none.pem", `tls.key: ${directory}/none.pem cannot be read: a part of the path does not exist`],
    ["empty.pem", "k.pem", `tls.certificate: ${directory}/empty.pem contains no certificate in PEM form`],
    ["c.pem", "c.pem", `tls.key: ${directory}/c.pem contains no private key in PEM form without a passphrase`],
    ["c.pem", other, `tls.key: ${other} is not the key of the certificate in ${directory}/c.pem`],
  ];
  for (const [certificate, key, sentence] of problems)
    expect(await check({ certificate, key })).toEqual([[expect.stringContaining(`workers.ts: ${sentence}`)], []]);
});

it("warns of a certificate that has expired or soon will, and of a key that others can read", async () => {
  const warn = async (days: number) => check(makeCertificate(days));
  expect(await warn(-1)).toEqual([[], [expect.stringMatching(/^workers\.ts: tls\.certificate: has expired \(20/)]]);
  expect(await warn(3)).toEqual([[], [expect.stringMatching(/^workers\.ts: tls\.certificate: expires soon, at 20/)]]);
  const open = join(directory, "open.pem");
  copyFileSync(good.key, open);
  chmodSync(open, 0o644);
  expect(await check({ certificate: "c.pem", key: open })).toEqual([
    [],
    [`workers.ts: tls.key: other users of this machine can read it: chmod 600 ${open}`],
  ]);
});

it("refuses balancers that are no networks", () => {
  const parse = (from: unknown) => workersSlice.safeParse({ workers: [], proxyProtocol: { from } });
  expect(parse(["10.0.0.0/8", "2001:db8::1"]).success).toBe(true);
  for (const from of [[], ["balancer.example.org"], ["10.0.0.0/33"], undefined])
    expect(parse(from).success).toBe(false);
});
