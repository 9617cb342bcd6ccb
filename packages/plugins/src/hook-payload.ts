import { errors, isNestedDeeper, type Json } from "@multimaster/core";
import { z } from "zod";
import type { HookRequest } from "./define-hook.ts";
import type { Payload } from "./hook-options.ts";

/** Deeper values are no forge's, and would exhaust the stack of every reader. */
const maxDepth = 100;

/** The JSON object in the body, or in the field `payload` of a form. */
export function readPayload({ headers, body }: HookRequest): Payload {
  const type = (headers["content-type"] ?? "").split(";")[0]?.trim().toLowerCase();
  const isForm = type === "application/x-www-form-urlencoded";
  const text = isForm ? (new URLSearchParams(body.toString("utf8")).get("payload") ?? "") : body.toString("utf8");
  const payload = parseJson(text, isForm ? "the form's field payload" : "the request's body");
  if (typeof payload !== "object" || payload === null || Array.isArray(payload))
    throw errors.requestInvalid("The payload is no JSON object.");
  if (isNestedDeeper(payload, maxDepth))
    throw errors.requestInvalid(`The payload is nested deeper than ${maxDepth} levels.`);
  return payload as Payload;
}

function parseJson(text: string, where: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    throw errors.requestInvalid(`There is no JSON in ${where}.`);
  }
}

/** The part of a payload that a hook works with, or a sentence on what is missing. */
export function parsePayload<S extends z.ZodType>(schema: S, payload: Payload, event: string): z.output<S> {
  const parsed = schema.safeParse(payload);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues
    .slice(0, 5)
    .map(({ path, message }) => `${path.join(".") || "payload"}: ${message.replace(/^Invalid input: /, "")}`);
  throw errors.requestInvalid(`The payload of this ${event} is not as expected: ${problems.join("; ")}.`);
}

/** A text that may be absent; what is no text is none. */
export const text = z.string().nullish().catch(null);

/** A number that may be absent; what is no number is none. */
export const number = z.number().nullish().catch(null);

/** Yes or no; absent is no, and so is what is neither. */
export const flag = z
  .boolean()
  .nullish()
  .catch(null)
  .transform((value) => value ?? false);

/** Names of files, or nothing where a forge does not tell. */
export const files = z
  .array(z.string())
  .nullish()
  .catch(null)
  .transform((names) => names ?? []);

/** What an event may say of something that it can do without; of another shape it says nothing. */
export function perhaps<S extends z.ZodType>(schema: S) {
  return schema.nullish().catch(null);
}

/** `Ada <ada@example.org>`, or what there is of it. */
export function nameAndMail(
  person: { name?: string | null | undefined; email?: string | null | undefined } | null | undefined,
  fallback = "unknown",
): string {
  const { name, email } = person ?? {};
  return (email ? `${name ?? ""} <${email}>`.trim() : name) || fallback;
}

/** Seconds since the epoch of an ISO date, milliseconds or seconds; nothing when it is none of them: then now counts. */
export function timeOf(time: string | number | null | undefined): { whenTimestamp?: number } {
  if (time === null || time === undefined || time === "") return {};
  const seconds = typeof time === "string" ? Date.parse(time) / 1000 : time > 1e11 ? time / 1000 : time;
  return Number.isFinite(seconds) && seconds > 0 ? { whenTimestamp: Math.floor(seconds) } : {};
}

/**
 * `main` of `refs/heads/main`, and what it is; undefined for other refs. A branch that is itself named `refs/…` keeps its whole
 * ref: a push must not yield what a pull request yields.
 */
export function readRef(ref: string): { kind: "push" | "tag"; name: string } | undefined {
  const [, area, name = ""] = /^refs\/(heads|tags)\/(.+)$/s.exec(ref) ?? [];
  if (area === undefined) return undefined;
  return { kind: area === "tags" ? "tag" : "push", name: name.startsWith("refs/") ? ref : name };
}

/** A hash of zeros stands for "there is none". */
export function isNoCommit(hash: string | null | undefined): boolean {
  return !hash || /^0+$/.test(hash);
}

/** All values in a payload by the path to them, `github.base.repo.full_name`; lists as they are. */
export function flatten(prefix: string, value: unknown, into: Record<string, Json> = {}): Record<string, Json> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) into[prefix] = (value ?? null) as Json;
  else for (const [name, part] of Object.entries(value)) flatten(`${prefix}.${name}`, part, into);
  return into;
}
