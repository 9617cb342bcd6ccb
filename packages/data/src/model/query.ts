import type { Json } from "@multimaster/core";

export type Operator = "eq" | "ne" | "lt" | "le" | "gt" | "ge" | "contains" | "in" | "notin";

/** A condition on a field; several values mean any of them (with `ne` and `notin`: none of them). */
export interface Filter {
  readonly field: string;
  readonly operator: Operator;
  readonly values: readonly Json[];
}

/** What a list is narrowed to. */
export interface Query {
  readonly filters?: readonly Filter[];
  /** Only these fields. */
  readonly fields?: readonly string[];
  /** Names of fields, `-` before a name for descending; the first is the major one. */
  readonly order?: readonly string[];
  readonly limit?: number;
  readonly offset?: number;
  /** Names of properties to fill in, `*` for all. */
  readonly properties?: readonly string[];
  /** How far rows beyond the limit are counted for `total`; with 0 it says how many were read. */
  readonly countTo?: number;
}

/** Shorthand for the commonest filter. */
export function equals(field: string, ...values: Json[]): Filter {
  return { field, operator: "eq", values };
}

/** A list and how long it would be without limit and offset, as far as that was counted. */
export interface Found<T> {
  readonly rows: T[];
  readonly total: number;
}
