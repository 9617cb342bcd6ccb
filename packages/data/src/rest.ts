import type { Json } from "@multimaster/core";
import type { Database } from "@multimaster/database";
import type { Updates } from "./contract.ts";
import type { RawAnswer } from "./define-resource.ts";
import type { Events } from "./events.ts";

/** What a read answers: the envelope, or a stream. */
export type RestAnswer = { readonly json: Readonly<Record<string, Json>> } | { readonly raw: RawAnswer };

/** The data API without HTTP. Errors are those of the catalogue, with their status. */
export interface Rest {
  get(path: string, search: URLSearchParams): Promise<RestAnswer>;
  /** Performs a JSON-RPC method on the object a path names. */
  call(path: string, method: string, params: Readonly<Record<string, Json>>, owner: string): Promise<Json>;
}

export function createRest(_options: { database: Database; updates: Updates; events: Events }): Rest {
  throw new Error("being written");
}
