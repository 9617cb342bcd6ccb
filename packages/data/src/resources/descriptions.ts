import type { Json } from "@multimaster/core";
import type { z } from "zod";
import { type AnyResource, defineResource, type Field } from "../model/define-resource.ts";
import { describeField, type FieldDescription, jsonObject, text } from "../model/field-kinds.ts";

/** The API's description of itself, made from the nouns: the list at its root, and every path with the fields it answers. */
export function createDescriptions(nouns: readonly AnyResource[]): AnyResource[] {
  const rootlinks = defineResource({
    name: "rootlink",
    plural: "rootlinks",
    rights: { needs: [] },
    id: "name",
    fields: { name: { schema: text } },
    rows: async () => nouns.filter((noun) => noun.rootLink).map(({ plural }) => ({ name: plural })),
    paths: [{ pattern: "", kind: "collection" }],
  });
  const specs: AnyResource = defineResource({
    name: "spec",
    plural: "specs",
    rights: { needs: [] },
    id: "path",
    fields: {
      path: { schema: text },
      type: { schema: text },
      plural: { schema: text },
      type_spec: { schema: jsonObject },
    },
    rows: async () => describePaths([...nouns, rootlinks, specs]),
    paths: [{ pattern: "application.spec", kind: "collection" }],
  });
  return [rootlinks, specs];
}

function describePaths(resources: readonly AnyResource[]) {
  return resources
    .flatMap((resource) => {
      const type_spec = describeResource(resource);
      return resource.paths.map(({ pattern }) => ({
        path: pattern,
        type: resource.name,
        plural: resource.plural,
        type_spec,
      }));
    })
    .toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

function describeResource(resource: AnyResource): Json {
  const fields = Object.entries<Field>(resource.fields);
  if (fields.length === 0) return { name: resource.name };
  return {
    type: resource.name,
    fields: fields.map(([name, { schema }]) => namedField(name, describeField(schema as never))),
  };
}

function namedField(name: string, description: FieldDescription): Json {
  const nullable = isShownNullable(description);
  const kind = typeof description.kind === "object" ? description.kind.entity : description.kind;
  return { name, type: nullable ? `${kind} or None` : kind, type_spec: typeSpec(description) };
}

function typeSpec(description: FieldDescription): Json {
  const nullable: Record<string, Json> = isShownNullable(description) ? { can_be_null: true } : {};
  if (description.kind === "list")
    return { ...nullable, type: "list", of: typeSpec(description.element as FieldDescription) };
  if (typeof description.kind === "object") {
    const fields = Object.entries(description.shape ?? {});
    return {
      ...nullable,
      type: description.kind.entity,
      fields: fields.map(([name, schema]) => namedField(name, describeField(schema as z.ZodType))),
    };
  }
  return { ...nullable, name: description.kind };
}

function isShownNullable({ nullable, shownNullable }: FieldDescription): boolean {
  return shownNullable ?? nullable;
}
