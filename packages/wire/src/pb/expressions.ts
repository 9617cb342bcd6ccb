import { BananaViolation, type Expression } from "./banana.ts";

/** A received expression of the broker, its values still wrapped. */
export type Received =
  | { readonly kind: "version"; readonly version: number }
  | {
      readonly kind: "message";
      readonly number: number;
      readonly object: number | "root";
      readonly method: string;
      readonly wantsAnswer: boolean;
      readonly args: Expression;
    }
  | { readonly kind: "answer" | "error"; readonly number: number; readonly value: Expression }
  /** A dropped reference, or a worker on Python 2 that did not understand something: neither is acted on. */
  | { readonly kind: "ignored" };

/** Reads the outer form of an expression. Throws BananaViolation for anything that no worker sends. */
export function parseExpression(expression: Expression): Received {
  if (!Array.isArray(expression) || !Buffer.isBuffer(expression[0]))
    throw new BananaViolation("an expression is no list with a word at its beginning");
  const [first, ...rest] = expression as [Buffer, ...Expression[]];
  switch (first.subarray(0, 32).toString("latin1")) {
    case "version":
      return { kind: "version", version: readNumber(rest[0]) };
    case "message":
      return readMessage(rest);
    case "answer":
    case "error": {
      const value = rest[1];
      if (value === undefined) throw new BananaViolation("an answer has no value");
      return { kind: first[0] === 0x61 ? "answer" : "error", number: readNumber(rest[0]), value };
    }
    case "decref":
      readNumber(rest[0]);
      return { kind: "ignored" };
    case "didNotUnderstand":
      return { kind: "ignored" };
    default:
      throw new BananaViolation("an expression is of a kind that no worker sends");
  }
}

function readMessage(rest: readonly Expression[]): Received {
  const [number, object, method, wants, args, keywords] = rest;
  if (args === undefined || keywords === undefined) throw new BananaViolation("a call has too few elements");
  if (!Buffer.isBuffer(method) || method.length > 100) throw new BananaViolation("the name of a method is no name");
  const isRoot = Buffer.isBuffer(object) && object.length === 4 && object.toString("latin1") === "root";
  return {
    kind: "message",
    number: readNumber(number),
    object: isRoot ? "root" : readNumber(object),
    method: method.toString("latin1"),
    wantsAnswer: readNumber(wants) !== 0,
    args,
  };
}

function readNumber(expression: Expression | undefined): number {
  if (typeof expression === "number" && expression >= 0) return expression;
  throw new BananaViolation("a number is missing, or is out of range");
}
