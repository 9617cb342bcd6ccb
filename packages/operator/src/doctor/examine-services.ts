import { randomUUID } from "node:crypto";
import { resolve } from "node:path";
import type { LoadedConfig } from "@multimaster/config";
import { describeCause, readTlsFiles, withTimeLimit } from "@multimaster/core";
import { openStore } from "../open-store.ts";
import { type Finding, findingsOf } from "./finding.ts";

const answerMs = 10_000;
const daysOfNotice = 14;

/** Whether users reach a ui master at the address that links begin with. */
export async function examineAddress({ shared: { url } }: LoadedConfig): Promise<Finding[]> {
  const { ok, warning } = findingsOf("address");
  if (url === undefined)
    return [warning("the config names no url: links in reports have no host", "set url to the address of the pages")];
  try {
    const response = await withTimeLimit(answerMs, undefined, async (signal) => {
      const answer = await fetch(new URL("ready", url), { signal });
      await answer.arrayBuffer();
      return answer;
    });
    return response.ok
      ? [ok(`a ui master answers at ${url}`)]
      : [warning(`${url} answers with status ${response.status}`, "start a ui master, or look at the balancer")];
  } catch (error) {
    const why = describeCause((error as Error).cause ?? error);
    return [warning(`no ui master answers at ${url}: ${why}`, "start one, and let the balancer lead there")];
  }
}

/** Whether the artifact store takes an object, gives it back and removes it. */
export async function examineStore(config: LoadedConfig): Promise<Finding[]> {
  const store = openStore(config);
  if (store === undefined) return [];
  const { ok, failed } = findingsOf("artifacts");
  const key = `zz/${randomUUID()}`;
  try {
    const chunks = await withTimeLimit(answerMs, undefined, async (signal) => {
      const writer = await store.create(key, signal);
      await writer.write(Buffer.from(key));
      await writer.finish();
      const read: Uint8Array[] = [];
      for await (const chunk of await store.read(key, signal)) read.push(chunk);
      return read;
    });
    await store.remove(key);
    return Buffer.concat(chunks).toString() === key
      ? [ok(`${store.description} takes files and gives them back`)]
      : [failed(`${store.description} gives back something else than it took`, "look at what stands before it")];
  } catch (error) {
    await store.remove(key).catch(() => undefined);
    return [failed(describeCause(error), "see docs/artifacts.md for what a store needs")];
  }
}

/** Whether the certificate of the worker ports is good for a while. */
export async function examineCertificate(config: LoadedConfig): Promise<Finding[]> {
  const { tls } = await config.workers();
  if (tls === undefined) return [];
  const { ok, warning, failed } = findingsOf("certificate");
  const from = (file: string) => resolve(config.directory, file);
  const remedy = "renew it; engines read the new file without a restart";
  try {
    const { expires, isKeyOpen } = await readTlsFiles({ certificate: from(tls.certificate), key: from(tls.key) });
    const days = Math.floor((expires.getTime() - Date.now()) / 86_400_000);
    const until = `${from(tls.certificate)} is valid until ${expires.toISOString().slice(0, 10)}`;
    return [
      days < 0 ? failed(until, remedy) : days < daysOfNotice ? warning(until, remedy) : ok(until),
      ...(isKeyOpen ? [warning(`other users can read ${from(tls.key)}`, `chmod 600 ${from(tls.key)}`)] : []),
    ];
  } catch (error) {
    return [failed(describeCause(error), "name a certificate and its key, both PEM, that the engines' user can read")];
  }
}
