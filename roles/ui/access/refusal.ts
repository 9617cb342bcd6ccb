import { errors, type UserError } from "@multimaster/core";
import type { Allowed } from "./decide.ts";
import type { Visitor } from "./visitor.ts";

/** The error for a refused action, which says who may perform it. */
export function refuse(visitor: Visitor, action: string, noun: string, allowed: Allowed): UserError {
  const what = `${words(action)} ${words(noun)}`;
  if (visitor.readOnly && action !== "read") return errors.notAllowed(what, "tokens that are not read-only", "");
  const hint = hintFor(visitor, allowed);
  return errors.notAllowed(what, list(allowed === "everybody" ? ["everybody"] : allowed.map(nameOf)), hint);
}

function hintFor(visitor: Visitor, allowed: Allowed): string {
  if (allowed.length === 0) return "a rule in `authorization` of the ui can allow it";
  return visitor.user === undefined ? "log in first" : "";
}

function nameOf(entry: string): string {
  if (entry === "users") return "users who are logged in";
  if (entry === "owner") return "the owner of the build";
  return `the role ${entry.slice("role:".length)}`;
}

function list(names: readonly string[]): string {
  if (names.length === 0) return "no one";
  if (names.length === 1) return String(names[0]);
  return `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

function words(name: string): string {
  return name === "buildrequests" ? "build requests" : name.replaceAll("_", " ");
}
