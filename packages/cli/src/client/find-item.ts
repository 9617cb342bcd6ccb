import { errors, UserError } from "@multimaster/core";
import type { Builder, BuildRequest, Worker } from "@multimaster/data";
import type { Api } from "./api.ts";

/** Finds a builder by its name or, if no builder has that name, by its id. */
export async function findBuilder(api: Api, text: string): Promise<Builder> {
  const { items } = await api.list("builders", "builders", { name: text });
  const [named] = items;
  if (named) return named;
  if (/^\d{1,15}$/.test(text)) return api.one("builders", `builders/${text}`);
  throw errors.notFound(`There is no builder "${text}".`);
}

/** Finds a worker by its name. */
export async function findWorker(api: Api, name: string): Promise<Worker> {
  const { items } = await api.list("workers", "workers", { name });
  const [worker] = items;
  if (worker) return worker;
  throw errors.notFound(`There is no worker "${name}"; "master workers" lists them.`);
}

/** Finds a build request by its id. */
export async function findRequest(api: Api, text: string): Promise<BuildRequest> {
  if (!/^\d{1,15}$/.test(text)) throw errors.requestInvalid(`"${text}" is no id of a build request.`);
  return orNotFound(api.one("buildrequests", `buildrequests/${text}`), `There is no build request ${text}.`);
}

/** The answer, or `sentence` where a ui master would name its own path of what is not there. */
export async function orNotFound<T>(answer: Promise<T>, sentence: string): Promise<T> {
  return answer.catch((error: unknown) => {
    throw error instanceof UserError && error.code === "NOT_FOUND" ? errors.notFound(sentence) : error;
  });
}

/** The names of all builders, by id. */
export async function nameBuilders(api: Api): Promise<ReadonlyMap<number, string>> {
  const { items } = await api.list("builders", "builders", {});
  return new Map(items.map(({ builderid, name }) => [builderid, name]));
}
