import type { Json } from "@multimaster/core";
import type { z } from "zod";
import type { AnyResource, Field } from "../../model/define-resource.ts";
import { describeField, type FieldDescription } from "../../model/field-kinds.ts";

type Schema = { readonly [key: string]: Json };

/** The JSON schema of a resource's objects. Nothing is required: with `field=`, only those fields are returned. */
export function resourceSchema(resource: AnyResource): Schema {
  const fields = Object.entries<Field>(resource.fields);
  // A resource without fields of its own is an object of properties by name.
  if (fields.length === 0) return { type: "object", additionalProperties: property };
  return {
    type: "object",
    properties: Object.fromEntries(fields.map(([name, field]) => [name, fieldSchema(describe(field))])),
  };
}

/** How a value is given in a filter; undefined where a field cannot be filtered by. */
export function filterSchema(field: Field): Schema | undefined {
  const { kind, element } = describe(field);
  switch (kind === "list" ? element?.kind : kind) {
    case "integer":
    case "datetime":
      return integer;
    case "boolean":
      return { type: "boolean" };
    case "string":
    case "identifier":
      return { type: "string" };
    default:
      return undefined;
  }
}

export const describe = (field: Field): FieldDescription => describeField(field.schema as never);

const integer: Schema = { type: "integer", format: "int64" };
/** A property's value and where it comes from. */
const property: Schema = { type: "array", prefixItems: [{}, { type: "string" }], minItems: 2, maxItems: 2 };

function fieldSchema(description: FieldDescription): Schema {
  const schema = valueSchema(description);
  if (!description.nullable || Object.keys(schema).length === 0) return schema;
  return { anyOf: [schema, { type: "null" }] };
}

function valueSchema({ kind, element, shape, maxLength }: FieldDescription): Schema {
  if (kind === "list") return { type: "array", items: element ? fieldSchema(element) : {} };
  if (typeof kind === "object") {
    const fields = Object.entries(shape ?? {});
    return {
      type: "object",
      title: kind.entity,
      properties: Object.fromEntries(
        fields.map(([name, schema]) => [name, fieldSchema(describeField(schema as z.ZodType))]),
      ),
    };
  }
  switch (kind) {
    case "integer":
      return integer;
    case "datetime":
      return { ...integer, description: "seconds since the epoch" };
    case "boolean":
      return { type: "boolean" };
    case "string":
      return { type: "string" };
    case "identifier":
      return { type: "string", ...(maxLength === undefined ? {} : { maxLength }) };
    case "binary":
      return { type: "null" };
    case "sourcedproperties":
      return { type: "object", additionalProperties: property };
    case "jsonobject":
      return {};
  }
}
