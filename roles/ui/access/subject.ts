import { type Json, UserError } from "@multimaster/core";
import type { Data } from "@multimaster/data";

/** What rules may ask of that which an action is done with. */
export interface Subject {
  /** Names of the builders concerned; none where builders do not come into it. */
  readonly builders: readonly string[];
  readonly owner?: string;
}

type JsonObject = { readonly [key: string]: Json };

/** Finds out whose builders and builds an action is about. What is not there concerns nobody: the action will say so. */
export async function findSubject(
  data: Data,
  noun: string,
  path: readonly string[],
  params: JsonObject,
): Promise<Subject> {
  if (noun === "forceschedulers") return { builders: await forcedBuilders(data, path, params) };
  if (noun !== "builds" && noun !== "buildrequests") return { builders: [] };
  const item = await readOne(data, path, "property=owner");
  if (!item) return { builders: [] };
  const builders = await builderNames(data, [Number(item["builderid"])]);
  const owner = (item["properties"] as Record<string, [Json, string]> | null)?.["owner"]?.[0];
  return { builders, ...(typeof owner === "string" ? { owner } : {}) };
}

/** What is named in either way counts, so that naming one builder twice does not get another one past the rules. */
async function forcedBuilders(data: Data, path: readonly string[], params: JsonObject): Promise<readonly string[]> {
  const { builderid, builderNames: names } = params;
  // What is no name or id is refused by the action; until then it is about what is left.
  const named = Array.isArray(names) ? names.filter((name) => typeof name === "string") : [];
  const isId = typeof builderid === "number" || typeof builderid === "string";
  const byId = isId ? await builderNames(data, [Number(builderid)]) : [];
  if (named.length + byId.length > 0) return [...new Set([...named, ...byId])];
  const scheduler = await readOne(data, path, "");
  return (scheduler?.["builder_names"] as readonly string[] | undefined) ?? [];
}

async function builderNames(data: Data, ids: readonly number[]): Promise<string[]> {
  const found = await Promise.all(ids.map((id) => readOne(data, ["builders", String(id)], "field=name")));
  return found.flatMap((builder) => (builder ? [String(builder["name"])] : []));
}

async function readOne(data: Data, path: readonly string[], query: string): Promise<JsonObject | undefined> {
  try {
    const answer = await data.rest.get(path, new URLSearchParams(query));
    return answer.kind === "envelope" ? answer.items[0] : undefined;
  } catch (error) {
    if (error instanceof UserError && error.status === 404) return undefined;
    throw error;
  }
}
