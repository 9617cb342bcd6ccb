import { resolve } from "node:path";
import { openToOthers, readTlsFiles, type TlsFiles, TlsFilesProblem } from "@multimaster/core";
import { describeWarning } from "./config-warning.ts";
import type { WorkersSlice } from "./slices/workers.ts";

/** How long before its end a certificate is mentioned. */
const soonMs = 14 * 24 * 3600_000;

/** The files of the worker ports' certificate, absolute; undefined without TLS. */
export function workerTlsFiles({ tls }: Pick<WorkersSlice, "tls">, directory: string): TlsFiles | undefined {
  return tls && { certificate: resolve(directory, tls.certificate), key: resolve(directory, tls.key) };
}

/** Reads the certificate of the worker ports: what makes it unusable, and what is only a risk. */
export async function checkWorkerTls(
  slice: Pick<WorkersSlice, "tls">,
  directory: string,
  place: string,
): Promise<{ problems: string[]; warnings: string[] }> {
  const files = workerTlsFiles(slice, directory);
  if (files === undefined) return { problems: [], warnings: [] };
  try {
    const { expires, isKeyOpen } = await readTlsFiles(files);
    const left = expires.getTime() - Date.now();
    const warnings = [
      ...(left < 0
        ? [{ path: ["tls", "certificate"], sentence: `has expired (${expires.toISOString()}): workers refuse it` }]
        : []),
      ...(left >= 0 && left < soonMs
        ? [{ path: ["tls", "certificate"], sentence: `expires soon, at ${expires.toISOString()}` }]
        : []),
      ...(isKeyOpen ? [{ path: ["tls", "key"], sentence: openToOthers(files.key) }] : []),
    ];
    return { problems: [], warnings: warnings.map((warning) => describeWarning(place, warning)) };
  } catch (error) {
    if (!(error instanceof TlsFilesProblem)) throw error;
    return { problems: [`${place}: tls.${error.at}: ${error.message}`], warnings: [] };
  }
}
