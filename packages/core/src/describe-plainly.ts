import type { z } from "zod";

type Issue = z.core.$ZodIssue;

const plainTypes: Readonly<Record<string, string>> = { int: "whole number", record: "object", tuple: "array" };

/** What an issue of a schema means to the person who wrote the value: what would be right, in no words of the validator. */
export function describePlainly(issue: Issue): string {
  return explain(issue).replace(endlessWord, (_, start: string) => `${start}…`);
}

/** A value that a sentence repeats, and that no one could read. */
const endlessWord = /([^\s"]{60})[^\s"]{200,}/g;

function explain(issue: Issue): string {
  if (issue.code === "too_small" && issue.message.startsWith("Too small")) return describeLimit(issue, "least");
  if (issue.code === "too_big" && issue.message.startsWith("Too big")) return describeLimit(issue, "most");
  if (issue.code === "invalid_value" && !issue.message.startsWith("must ")) return expectOneOf(issue.values);
  if (issue.code === "invalid_format" && issue.message === "Invalid URL")
    return "must be a URL, such as https://example.org/";
  if (issue.code === "unrecognized_keys")
    return `has no field ${issue.keys.map((key) => JSON.stringify(key)).join(" or ")}`;
  if (issue.code === "invalid_key" && issue.issues[0]) return explain(issue.issues[0]);
  const kinds = /^Invalid discriminator value\. Expected (.*)$/.exec(issue.message)?.[1];
  if (kinds !== undefined) return expectOneOf(kinds.split(" | ").map((kind) => kind.replace(/^'|'$/g, "")));
  if (/expected int, received number$/.test(issue.message)) return "must be a whole number";
  const message = issue.message.replace(/^Invalid input(: )?/, "") || "is not valid";
  return message.replace(/^expected (int|record|tuple)\b/, (_, word: string) => `expected ${plainTypes[word]}`);
}

function describeLimit(issue: Extract<Issue, { code: "too_small" | "too_big" }>, word: "least" | "most"): string {
  const { origin, inclusive } = issue;
  const limit = Number(issue.code === "too_small" ? issue.minimum : issue.maximum);
  if (origin === "string") return limit === 1 ? "must not be empty" : `must have at ${word} ${limit} characters`;
  if (origin === "array")
    return limit === 1 ? `must have at ${word} one entry` : `must have at ${word} ${limit} entries`;
  if (inclusive !== false) return `must be at ${word} ${limit}`;
  return `must be ${word === "least" ? "greater" : "less"} than ${limit}`;
}

function expectOneOf(values: readonly unknown[]): string {
  const words = values.map((value) => (typeof value === "string" ? JSON.stringify(value) : String(value)));
  return words.length === 1 ? `must be ${words[0]}` : `must be one of ${words.join(", ")}`;
}
