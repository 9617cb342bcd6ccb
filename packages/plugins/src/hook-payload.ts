import { errors, isNestedDeeper, type Json } from "@multimaster/core";
import { z } from "zod";
import type { HookRequest } from "./define-hook.ts";
import type { Payload } from "./hook-options.ts";

/** No forge sends deeper values, and they would exhaust the stack of every reader. */
const maxDepth = 100;

/** The JSON object in the body, or in the form field `payload`. */
export function readPayload({ headers, body }: HookRequest): Payload {
  const type = (headers["content-type"] ?? "").split(";")[0]?.trim().toLowerCase();
  const isForm = type === "application/x-www-form-urlencoded";
  const text = isForm ? (new URLSearchParams(body.toString("utf8")).get("payload") ?? "") : body.toString("utf8");
  const payload = parseJson(text, isForm ? "the form's field payload" : "the request's body");
  if (typeof payload !== "object" || payload === null || Array.isArray(payload))
    throw errors.requestInvalid("The payload is not a JSON object.");
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

/** Parses the part of a payload that a hook uses, or throws a message about what is wrong. */
export function parsePayload<S extends z.ZodType>(schema: S, payload: Payload, event: string): z.output<S> {
  const parsed = schema.safeParse(payload);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues
    .slice(0, 5)
    .map(({ path, message }) => `${path.join(".") || "payload"}: ${message.replace(/^Invalid input: /, "")}`);
  throw errors.requestInvalid(`The payload of this ${event} is not as expected: ${problems.join("; ")}.`);
}

/** An optional text; any other value counts as absent. */
export const text = z.string().nullish().catch(null);

/** An optional number; any other value counts as absent. */
export const number = z.number().nullish().catch(null);

/** A boolean; absent and any other value count as false. */
export const flag = z
  .boolean()
  .nullish()
  .catch(null)
  .transform((value) => value ?? false);

/** Names of files; empty if the forge sends none. */
export const files = z
  .array(z.string())
  .nullish()
  .catch(null)
  .transform((names) => names ?? []);

/** An optional part of an event; a value of another shape counts as absent. */
export function perhaps<S extends z.ZodType>(schema: S) {
  return schema.nullish().catch(null);
}

/**
 * A part that an event has or has not, and needs whole when it has it: an empty object counts as absent, as null does. Anything
 * else of another shape is refused.
 */
export function optionalPart<S extends z.ZodType>(schema: S) {
  return z.preprocess((value) => (isEmptyObject(value) ? null : value), schema.nullish());
}

function isEmptyObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value) && Object.keys(value).length === 0;
}

/** `Ada <ada@example.org>`, or the part of it that is known. */
export function nameAndMail(
  person: { name?: string | null | undefined; email?: string | null | undefined } | null | undefined,
  fallback = "unknown",
): string {
  const { name, email } = person ?? {};
  return (email ? `${name ?? ""} <${email}>`.trim() : name) || fallback;
}

/** Seconds since 1970 from an ISO date, milliseconds or seconds; otherwise nothing, so that the current time counts. */
export function timeOf(time: string | number | null | undefined): { whenTimestamp?: number } {
  if (time === null || time === undefined || time === "") return {};
  const seconds = typeof time === "string" ? Date.parse(time) / 1000 : time > 1e11 ? time / 1000 : time;
  return Number.isFinite(seconds) && seconds > 0 ? { whenTimestamp: Math.floor(seconds) } : {};
}

/**
 * Splits `refs/heads/main` into kind and name; undefined for other refs. A branch that is itself named `refs/…` keeps its
 * full ref: a push must not look like a pull request.
 */
export function readRef(ref: string): { kind: "push" | "tag"; name: string } | undefined {
  const [, area, name = ""] = /^refs\/(heads|tags)\/(.+)$/s.exec(ref) ?? [];
  if (area === undefined) return undefined;
  return { kind: area === "tags" ? "tag" : "push", name: name.startsWith("refs/") ? ref : name };
}

/** A hash of zeros means "none". */
export function isNoCommit(hash: string | null | undefined): boolean {
  return !hash || /^0+$/.test(hash);
}

/** All values of a payload by their path, such as `github.base.repo.full_name`; lists stay lists. */
export function flatten(prefix: string, value: unknown, into: Record<string, Json> = {}): Record<string, Json> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) into[prefix] = (value ?? null) as Json;
  else for (const [name, part] of Object.entries(value)) flatten(`${prefix}.${name}`, part, into);
  return into;
}
