import type { Json } from "@multimaster/core";
import { z } from "zod";

/** What a rendered option may look at. */
export interface RenderContext {
  /** Which build it is: its ids, and its number among those of its builder. */
  readonly build: { readonly buildid: number; readonly buildrequestid: number; readonly number: number };
  /** The value of a property, or undefined. */
  property(name: string): Json | undefined;
  /** The value of a secret of the builder set; throws when there is none of that name. */
  secret(name: string): string;
  /** The build's source stamp of a codebase (default ""): branch, revision, repository, project. */
  source(
    codebase?: string,
  ): { branch: string | null; revision: string | null; repository: string; project: string } | undefined;
}

/** An option that is a value, or a function of the build that gives the value. */
export type Renderable<T> = T | ((build: RenderContext) => T | Promise<T>);

/** A schema for an option that may be given as a value or as a function of the build. */
export function renderable<S extends z.ZodType>(schema: S) {
  return z.union([
    z.custom<(build: RenderContext) => z.input<S> | Promise<z.input<S>>>((value) => typeof value === "function"),
    schema,
  ]);
}

/** Replaces every function in `value`, however deep, by what it gives for this build. */
export async function render(value: unknown, build: RenderContext): Promise<unknown> {
  if (typeof value === "function") return render(await value(build), build);
  if (Array.isArray(value)) return Promise.all(value.map((item) => render(item, build)));
  if (typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype) {
    const entries = await Promise.all(
      Object.entries(value).map(async ([key, item]) => [key, await render(item, build)] as const),
    );
    return Object.fromEntries(entries);
  }
  return value;
}

/** An option whose value is a secret of the builder set. Wherever it would show, `<name>` stands instead. */
export function secret(name: string): (build: RenderContext) => string {
  return (build) => build.secret(name);
}

/**
 * Text with properties in it: `interpolate("release-${version}")` becomes a function of the build. `${name:-text}` gives
 * `text` when the property is absent or empty; an absent property without it is an empty string. `${secret:name}` gives a secret. `$${` is a plain `${`.
 */
export function interpolate(template: string): (build: RenderContext) => string {
  return (build) =>
    template.replace(
      /\$(\$?)\{(secret:)?([^}:]+)(?::-([^}]*))?\}/g,
      (whole, escaped: string, isSecret: string | undefined, name: string, fallback?: string) => {
        if (escaped) return whole.slice(1);
        if (isSecret !== undefined) return build.secret(name);
        const value = build.property(name);
        if (value === undefined || value === null || value === "") return fallback ?? "";
        return typeof value === "string" ? value : JSON.stringify(value);
      },
    );
}
