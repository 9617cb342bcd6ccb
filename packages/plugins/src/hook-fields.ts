import type { HookRequest } from "./define-hook.ts";

/** The fields of the query and of the form in the body, all values of each. */
export function readFieldLists({ headers, query, body }: HookRequest): URLSearchParams {
  const fields = new URLSearchParams(query);
  const isForm = /^application\/x-www-form-urlencoded\b/i.test(headers["content-type"] ?? "");
  if (isForm) for (const [name, value] of new URLSearchParams(body.toString("utf8"))) fields.append(name, value);
  return fields;
}

/** The last value of each field; the form takes precedence over the query. */
export function readFields(request: HookRequest): Record<string, string | undefined> {
  return Object.fromEntries(readFieldLists(request));
}
