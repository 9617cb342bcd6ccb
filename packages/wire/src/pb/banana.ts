/** A FLOAT of the wire, distinct from an integer: 1.0 is not 1. */
export class BananaFloat {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

/** A received expression. */
export type Expression = number | bigint | BananaFloat | Buffer | Expression[];
/** An expression to send; a text is sent as its bytes in UTF-8. */
export type Encodable = number | bigint | BananaFloat | Uint8Array | string | readonly Encodable[];

/** The types of the wire. */
export const types = {
  list: 0x80,
  int: 0x81,
  string: 0x82,
  neg: 0x83,
  float: 0x84,
  longInt: 0x85,
  longNeg: 0x86,
  vocabulary: 0x87,
} as const;

/** Longest byte string, and most elements of a list, that a worker accepts. */
export const maxStringBytes = 655_360;

/** The other end sent bytes that are no banana, or more than is allowed. */
export class BananaViolation extends Error {
  override name = "BananaViolation";
}

/** Bounds of a received expression. */
export interface BananaLimits {
  stringBytes: number;
  /** Elements of one list. */
  listItems: number;
  /** Values of one expression, lists included. */
  nodes: number;
  /** Bytes of one expression. */
  bytes: number;
  /** Lists within lists. */
  depth: number;
}

/** Before the login is answered: about ten times what a worker sends. */
export const loginLimits: BananaLimits = { stringBytes: 1024, listItems: 16, nodes: 64, bytes: 4096, depth: 6 };
/** Afterwards: one `update` may report the names of very many files. */
export const workerLimits: BananaLimits = {
  stringBytes: maxStringBytes,
  listItems: 200_000,
  nodes: 1_000_000,
  bytes: 32 * 1024 * 1024,
  depth: 32,
};
