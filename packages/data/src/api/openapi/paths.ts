import type { Json } from "@multimaster/core";
import type { AnyResource, Path } from "../../model/define-resource.ts";

export interface ApiPath {
  readonly resource: AnyResource;
  readonly path: Path;
}

export interface PathParameter {
  readonly name: string;
  readonly description: string;
  readonly schema: Json;
}

/** Paths that one URL template leads to: OpenAPI does not distinguish templates that differ in their parameters only. */
export interface PathTemplate {
  readonly template: string;
  readonly parameters: readonly PathParameter[];
  /** In the order in which they are tried. */
  readonly apiPaths: readonly ApiPath[];
}

type Variant = { readonly kind: string; readonly name: string };

/** All templates of the API, by name. */
export function listTemplates(resources: readonly AnyResource[]): PathTemplate[] {
  const groups = new Map<string, ApiPath[]>();
  for (const resource of resources) {
    for (const path of resource.paths) {
      // The root has no path of its own below the server's.
      if (path.pattern === "") continue;
      const shape = path.pattern.replace(/(^|\/)[nis]?:[^/]+/g, "$1{}");
      const group = groups.get(shape);
      if (group) group.push({ resource, path });
      else groups.set(shape, [{ resource, path }]);
    }
  }
  return [...groups.values()].map(describeGroup).toSorted((a, b) => (a.template < b.template ? -1 : 1));
}

function describeGroup(apiPaths: readonly ApiPath[]): PathTemplate {
  const rows = apiPaths.map(({ path }) => path.pattern.split("/"));
  const parameters: PathParameter[] = [];
  const parts = (rows[0] as string[]).map((part, i) => {
    if (!part.includes(":")) return part;
    const variants = rows.map((row) => parse(row[i] as string));
    const parameter = describeParameter(variants);
    parameters.push(parameter);
    return `{${parameter.name}}`;
  });
  return { template: `/${parts.join("/")}`, parameters, apiPaths };
}

function parse(part: string): Variant {
  const at = part.indexOf(":");
  return { kind: part.slice(0, at) || "s", name: part.slice(at + 1) };
}

const schemas: Readonly<Record<string, Json>> = {
  n: { type: "integer", format: "int64", minimum: 0 },
  i: { type: "string", pattern: "^[A-Za-z_-][A-Za-z0-9._-]*$" },
  s: { type: "string", minLength: 1 },
};

function describeParameter(variants: readonly Variant[]): PathParameter {
  const names = [...new Set(variants.map(({ name }) => name))];
  const kinds = [...new Set(variants.map(({ kind }) => kind))];
  const alternatives = kinds.map((kind) => schemas[kind] as Json);
  return {
    name: names[0] as string,
    description: names.join(" or "),
    schema: alternatives.length === 1 ? (alternatives[0] as Json) : { anyOf: alternatives },
  };
}
