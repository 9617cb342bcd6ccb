import type { ConfigWarning } from "@multimaster/config";

/** A certificate and its key are of use together only. */
export function problemsOfCertificate(
  { cert, key }: { readonly cert?: string | undefined; readonly key?: string | undefined },
  path: readonly PropertyKey[],
): ConfigWarning[] {
  if ((cert === undefined) === (key === undefined)) return [];
  const [has, lacks] = cert === undefined ? ["key", "cert"] : ["cert", "key"];
  return [{ path: [...path, lacks], sentence: `is missing: "${has}" is of no use without it` }];
}
