import { callContained, type Json, systemClock, waitAtMost } from "@multimaster/core";
import { z } from "zod";
import { typeName } from "./describe-issue.ts";
import { passPlain, ShellQuoting } from "./shell-quoting.ts";

/** What a renderable option may read. */
export interface RenderContext {
  /** The build: its ids, and its number among its builder's builds. */
  readonly build: { readonly buildid: number; readonly buildrequestid: number; readonly number: number };
  /** The value of a property, or undefined. */
  property(name: string): Json | undefined;
  /** The value of a secret of the builder set; throws if no secret has that name. */
  secret(name: string): string;
  /** The build's source stamp of a codebase (default ""): branch, revision, repository, project. */
  source(
    codebase?: string,
  ): { branch: string | null; revision: string | null; repository: string; project: string } | undefined;
}

/** An option that is a value, or a function that returns the value for a build. */
export type Renderable<T> = T | ((build: RenderContext) => T | Promise<T>);

/** A schema for an option that may be a value or a function of the build. */
export function renderable<S extends z.ZodType>(schema: S) {
  return z.union([
    z.custom<(build: RenderContext) => z.input<S> | Promise<z.input<S>>>((value) => typeof value === "function", {
      error: ({ input }) => `expected function, received ${typeName(input)}`,
    }),
    schema,
  ]);
}

type RenderFunction = (build: RenderContext) => unknown;

/** Longest time that an option's function may take. */
const answerMs = 60_000;

/** Calls an option's function. One that keeps the event loop to itself is ended, and one that never answers is given up. */
export async function callRenderable(value: RenderFunction, build: RenderContext): Promise<unknown> {
  if (templateOf in value || secretOf in value) return value(build);
  const answer = callContained(() => value(build));
  if (!(answer instanceof Promise)) return answer;
  const answered = await waitAtMost(
    systemClock,
    answerMs,
    answer.then((rendered: unknown) => ({ rendered })),
  );
  if (!answered) throw new Error(`the function did not answer within ${answerMs / 1000} s`);
  return answered.rendered;
}

/** Replaces every function in `value`, at any depth, by its result for this build. Throws if there is no end to it. */
export async function render(value: unknown, build: RenderContext): Promise<unknown> {
  return renderAt({ value, depth: 0 }, build, { left: mostRendered });
}

/** How deep an option may be nested, functions that return functions included, and how many values it may have in all. */
const deepestRendered = 200;
const mostRendered = 1_000_000;

async function renderAt(
  { value, depth }: { value: unknown; depth: number },
  build: RenderContext,
  budget: { left: number },
): Promise<unknown> {
  budget.left -= 1;
  if (budget.left < 0) throw new Error(`it has more than ${mostRendered} values, or contains itself`);
  if (depth > deepestRendered) {
    budget.left = 0;
    throw new Error(`it is nested more than ${deepestRendered} deep, or contains itself`);
  }
  const below = (item: unknown) => renderAt({ value: item, depth: depth + 1 }, build, budget);
  if (typeof value === "function") return below(await callRenderable(value as RenderFunction, build));
  if (Array.isArray(value)) return Promise.all(value.map(below));
  if (typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype) {
    const entries = await Promise.all(
      Object.entries(value).map(async ([key, item]) => [key, await below(item)] as const),
    );
    return Object.fromEntries(entries);
  }
  return value;
}

/** Marks functions made by `interpolate`, so that they can be recognized: configs may load their own copy of this module. */
const templateOf = Symbol.for("multimaster.interpolate");
const secretOf = Symbol.for("multimaster.secret");

/** An option whose value is a secret of the builder set. Logs and pages show `<name>` instead of the value. */
export function secret(name: string): (build: RenderContext) => string {
  return Object.assign((build: RenderContext) => build.secret(name), { [secretOf]: name });
}

const placeholder = /\$(\$?)\{(?:(secret|raw):(?!-))?([^}:]+)(?::-([^}]*))?\}/g;

/**
 * Text with properties in it: `interpolate("release-${version}")` becomes a function of the build. `${name:-text}` is
 * `text` if the property is absent or empty; without a default, an absent property is an empty string. `${secret:name}` is
 * a secret. `$${` is a literal `${`. In a command that a shell reads, each value is quoted, so that it is data and not code;
 * `${raw:name}` is not quoted.
 */
export function interpolate(template: string): (build: RenderContext) => string {
  return Object.assign((build: RenderContext) => fill(template, build), { [templateOf]: template });
}

/** The name of the secret, of a function made by `secret`. */
export function secretNameOf(value: unknown): string | undefined {
  return typeof value === "function" ? (value as { [secretOf]?: string })[secretOf] : undefined;
}

/** A text as part of a template in which `interpolate` leaves it as it is. */
export function escapeTemplate(text: string): string {
  return text.replace(placeholder, (found) => `$${found}`);
}

/** The template of a function made by `interpolate`. */
export function templateIn(value: unknown): string | undefined {
  return typeof value === "function" ? (value as { [templateOf]?: string })[templateOf] : undefined;
}

/** The names in a template: of properties, of raw properties, of secrets. */
export function namesIn(template: string): { name: string; kind: "property" | "raw" | "secret" }[] {
  return [...template.matchAll(placeholder)].flatMap(([, escaped, kind, name]) =>
    escaped ? [] : [{ name: String(name), kind: (kind ?? "property") as "property" | "raw" | "secret" }],
  );
}

/** Whether a function was made by `secret`, or by `interpolate` from a text with a secret. */
export function holdsSecret(value: unknown): boolean {
  if (typeof value !== "function") return false;
  return secretOf in value || namesIn(templateIn(value) ?? "").some(({ kind }) => kind === "secret");
}

/**
 * Renders a command. A list is rendered as any value; in a text of `interpolate`, which a shell reads, each value is quoted
 * for the worker's system (`posix` or `nt`). Throws if a value cannot be quoted.
 */
export async function renderCommand(value: unknown, build: RenderContext, system: string): Promise<unknown> {
  let command = value;
  for (let calls = 0; typeof command === "function" && calls <= deepestRendered; calls++) {
    const template = templateIn(command);
    if (template !== undefined) return fillCommand(template, build, system);
    command = await callRenderable(command as RenderFunction, build);
  }
  return render(command, build);
}

function fillCommand(template: string, build: RenderContext, system: string): string {
  const quoting = new ShellQuoting(template);
  const quote = system === "nt" ? passPlain : (value: string) => quoting.quote(value);
  let end = 0;
  let text = "";
  const add = (piece: string) => {
    quoting.read(piece);
    text += piece;
  };
  for (const match of template.matchAll(placeholder)) {
    const [whole, escaped, kind, name = "", fallback] = match;
    add(template.slice(end, match.index));
    end = match.index + whole.length;
    if (escaped) add(whole.slice(1));
    else if (kind === "raw") add(findValue(build, kind, name, fallback));
    else {
      try {
        text += quote(findValue(build, kind, name, fallback));
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        throw new Error(`\${${name}}: ${why}; pass it in env, or write the command as a list`, { cause: error });
      }
    }
  }
  add(template.slice(end));
  return text;
}

function fill(template: string, build: RenderContext): string {
  return template.replace(
    placeholder,
    (whole, escaped: string, kind: string | undefined, name: string, fallback?: string) =>
      escaped ? whole.slice(1) : findValue(build, kind, name, fallback),
  );
}

function findValue(build: RenderContext, kind: string | undefined, name: string, fallback: string | undefined): string {
  if (kind === "secret") return build.secret(name);
  const value = build.property(name);
  if (value === undefined || value === null || value === "") return fallback ?? "";
  return typeof value === "string" ? value : JSON.stringify(value);
}
