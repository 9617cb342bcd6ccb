import type { Json } from "@multimaster/core";

export type Operator = "eq" | "ne" | "lt" | "le" | "gt" | "ge" | "contains" | "in" | "notin";

/** A condition on a field; several values mean any of them (with `ne` and `notin`: none of them). */
export interface Filter {
  readonly field: string;
  readonly operator: Operator;
  readonly values: readonly Json[];
}

/** Which objects of a list are wanted, and how. */
export interface Query {
  readonly filters?: readonly Filter[];
  /** Only these fields. */
  readonly fields?: readonly string[];
  /** Names of fields, `-` before a name for descending; the first one decides first. */
  readonly order?: readonly string[];
  readonly limit?: number;
  readonly offset?: number;
  /** Names of properties to fill in, `*` for all. */
  readonly properties?: readonly string[];
  /** Rows beyond the limit are counted for `total` up to this; with 0, `total` is the number of rows that were read. */
  readonly countTo?: number;
}

/** Shorthand for the commonest filter. */
export function equals(field: string, ...values: Json[]): Filter {
  return { field, operator: "eq", values };
}

/** A list, and its length without limit and offset as far as it was counted. */
export interface Found<T> {
  readonly rows: T[];
  readonly total: number;
}
