import { sortedJson } from "@multimaster/data";

export const textType = "text/plain; charset=utf-8";
export const jsonType = "application/json; charset=utf-8";

/** Of an answer that depends on the visitor: no shared cache may keep it. */
export function cacheControlOf(jsonCacheSeconds: number): string {
  return jsonCacheSeconds > 0 ? `private, max-age=${jsonCacheSeconds}` : "private, no-cache";
}

/** The headers and the body of a read that is refused. */
export function refusedRead(message: string): { headers: Readonly<Record<string, string>>; body: string } {
  return {
    headers: { "Cache-Control": "no-store", "Content-Type": textType },
    body: sortedJson({ error: message }),
  };
}
