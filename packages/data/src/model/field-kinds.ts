import { type Json, type SourcedProperties, sourcedProperties } from "@multimaster/core";
import { z } from "zod";

/** What the data API calls a field's type; it decides how filters are parsed and what application.spec says. */
export type FieldKind =
  | "integer"
  | "string"
  | "boolean"
  | "datetime"
  | "identifier"
  | "binary"
  | "jsonobject"
  | "sourcedproperties"
  | { readonly entity: string };

const kinds = z.registry<{ kind: FieldKind }>();

const of = <S extends z.ZodType>(schema: S, kind: FieldKind): S => {
  kinds.add(schema, { kind });
  return schema;
};

export const integer = of(z.int(), "integer");
export const text = of(z.string(), "string");
export const bool = of(z.boolean(), "boolean");
/** Whole seconds since the epoch. */
export const datetime = of(z.int(), "datetime");
/** Reads a `datetime` of a row that holds fractions of a second. */
export const wholeSeconds = (value: unknown) => Math.floor(Number(value));
/** The same, of a column that may be null. */
export const wholeSecondsOrNull = (value: unknown) => (value === null ? null : wholeSeconds(value));
/** Bytes cannot be shown in JSON: the API answers null. */
export const binary = of(z.null(), "binary");
export const jsonObject = of(z.json() as z.ZodType<Json>, "jsonobject");
/** JSON of a shape that its schema knows; application.spec names it no more exactly than other JSON. */
export const structured = <S extends z.ZodType>(schema: S) => of(schema, "jsonobject");
export const sourced = of(
  z.custom<SourcedProperties>((value) => sourcedProperties.safeParse(value).success),
  "sourcedproperties",
);

/** Text that starts with a letter, `_` or `-` and may stand in a path. */
export const identifier = (maxLength: number) => of(z.string().max(maxLength), "identifier");

/** Letters, digits, `_`, `-`, `.` and anything beyond ASCII, not beginning with a digit or dot. */
export function isIdentifier(text: string): boolean {
  return /^[A-Za-z_\u00a0-\u{10ffff}-][\w\u00a0-\u{10ffff}.-]*$/u.test(text);
}

/** An object with fields of its own, such as the source stamp of a change. */
export const entity = <Shape extends z.ZodRawShape>(name: string, shape: Shape) =>
  of(z.object(shape), { entity: name });

const shown = z.registry<{ nullable: boolean }>();

/** For a field whose nullability in application.spec differs from that of its rows. */
export function shownNullable<S extends z.ZodType>(schema: S, nullable: boolean): S {
  const own = schema.clone();
  const kind = kinds.get(schema);
  if (kind) kinds.add(own, kind);
  shown.add(own, { nullable });
  return own;
}

/** The parts of a field's type. */
export interface FieldDescription {
  readonly kind: FieldKind | "list";
  readonly nullable: boolean;
  /** What application.spec says instead. */
  readonly shownNullable?: boolean;
  /** Of a list: its element. */
  readonly element?: FieldDescription;
  /** Of an entity: its fields. */
  readonly shape?: z.ZodRawShape;
  readonly maxLength?: number;
}

const described = new WeakMap<z.ZodType, FieldDescription>();

/** Describes the field that a schema makes; schemas are built only from the kinds of this file. */
export function describeField(schema: z.ZodType): FieldDescription {
  let description = described.get(schema);
  if (!description) {
    const hint = shown.get(schema);
    description = hint ? { ...describe(schema), shownNullable: hint.nullable } : describe(schema);
    described.set(schema, description);
  }
  return description;
}

function describe(schema: z.ZodType): FieldDescription {
  if (schema instanceof z.ZodNullable) return { ...describeField(schema.unwrap() as z.ZodType), nullable: true };
  if (schema instanceof z.ZodArray)
    return { kind: "list", nullable: false, element: describeField(schema.element as z.ZodType) };
  const kind = kinds.get(schema)?.kind;
  if (kind === undefined) throw new TypeError("a field's schema must be made of the kinds in field-kinds.ts");
  return {
    kind,
    nullable: false,
    ...(schema instanceof z.ZodObject ? { shape: schema.shape } : {}),
    ...(schema instanceof z.ZodString && schema.maxLength !== null ? { maxLength: schema.maxLength } : {}),
  };
}
