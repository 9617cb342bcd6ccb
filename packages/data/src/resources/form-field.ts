import type { Json } from "@multimaster/core";
import { z } from "zod";
import { structured } from "../model/field-kinds.ts";

const json = z.json() as z.ZodType<Json>;

const shape = z.looseObject({
  name: z.string(),
  /** The name with those of the groups around it; null if none of them has one. */
  fullName: z.string().nullable(),
  type: z.string(),
  label: z.string().optional(),
  tooltip: z.string().optional(),
  default: json.optional(),
  required: z.boolean().optional(),
  multiple: z.boolean().optional(),
  hide: z.boolean().optional(),
  regex: z.string().nullish(),
  maxsize: z.number().nullish(),
  need_email: z.boolean().optional(),
  /** False: values other than the choices are allowed. */
  strict: z.boolean().optional(),
  choices: z.array(json).optional(),
});

/** A field of a force form, or a group of fields; it may have more keys than these, for Buildbot's frontend. */
export interface FormField extends z.output<typeof shape> {
  /** Of a group. */
  readonly fields?: readonly FormField[] | undefined;
}

export const formField: z.ZodType<FormField> = structured(
  shape.extend({ fields: z.lazy(() => z.array(formField)).optional() }),
);
