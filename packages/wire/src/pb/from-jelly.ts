import { BananaFloat, BananaViolation, type Expression } from "./banana.ts";
import { type Received, ReceivedFailure, RemoteObject, textOf } from "./values.ts";

/** Values of one argument list or result, each value counted again wherever it is referred to. */
const maxValues = 1_000_000;
const maxObjectId = 0x8000_0000;
const failureWord = "twisted.spread.pb.CopyableFailure";

/** Reads one argument list or result. Throws BananaViolation for anything but plain values: nothing is ever instantiated. */
export function fromJelly(expression: Expression): Received {
  return new Reader().read(expression);
}

class Reader {
  #count = 0;
  #references = new Map<number, { value: Received; size: number }>();

  read(expression: Expression): Received {
    this.#add(1);
    if (expression instanceof BananaFloat) return expression.value;
    if (!Array.isArray(expression)) return expression;
    const [word, ...rest] = expression;
    if (!Buffer.isBuffer(word)) throw new BananaViolation("a value has no word at its beginning");
    return this.#readWord(word.length > 64 ? "" : word.toString("latin1"), rest);
  }

  #readWord(word: string, rest: readonly Expression[]): Received {
    switch (word) {
      case "None":
        return null;
      case "boolean":
        return readBoolean(rest[0]);
      case "unicode":
        if (!Buffer.isBuffer(rest[0])) throw new BananaViolation("a text has no bytes");
        return rest[0].toString("utf8");
      case "list":
      case "tuple":
        return rest.map((item) => this.read(item));
      case "dictionary":
        return this.#readDictionary(rest);
      case "remote":
        return new RemoteObject(readId(rest[0]));
      case "local":
        // A worker that mentions an object of ours needs no value: none is used as an argument.
        readId(rest[0]);
        return null;
      case "reference":
        return this.#define(readId(rest[0]), rest[1]);
      case "dereference":
        return this.#resolve(readId(rest[0]));
      case failureWord:
        return readFailure(this.read(rest[0] ?? []));
      default:
        throw new BananaViolation("a value is of a class that no worker sends");
    }
  }

  #readDictionary(pairs: readonly Expression[]): Map<string, Received> {
    const map = new Map<string, Received>();
    for (const pair of pairs) {
      if (!Array.isArray(pair) || pair.length !== 2)
        throw new BananaViolation("a dictionary has an entry that is no pair");
      const key = this.read(pair[0] as Expression);
      const name = textOf(key) ?? (typeof key === "number" ? String(key) : undefined);
      if (name === undefined) throw new BananaViolation("a dictionary has a key that is no text");
      map.set(name, this.read(pair[1] as Expression));
    }
    return map;
  }

  #define(id: number, expression: Expression | undefined): Received {
    if (expression === undefined || this.#references.has(id))
      throw new BananaViolation("a reference is defined twice or has no value");
    const before = this.#count;
    const value = this.read(expression);
    // A cycle would have been resolved before it was defined.
    if (this.#references.has(id)) throw new BananaViolation("a reference is defined twice");
    this.#references.set(id, { value, size: this.#count - before });
    return value;
  }

  /** Shares the value, and counts it as if it was sent again: a few references could stand for any number of values. */
  #resolve(id: number): Received {
    const found = this.#references.get(id);
    if (found === undefined) throw new BananaViolation("a reference is used before it is defined");
    this.#add(found.size);
    return found.value;
  }

  #add(values: number): void {
    this.#count += values;
    if (this.#count > maxValues) throw new BananaViolation(`a value consists of more than ${maxValues}`);
  }
}

function readBoolean(expression: Expression | undefined): boolean {
  const text = Buffer.isBuffer(expression) ? expression.subarray(0, 8).toString("latin1") : "";
  if (text !== "true" && text !== "false") throw new BananaViolation("a boolean is neither true nor false");
  return text === "true";
}

function readId(expression: Expression | undefined): number {
  if (typeof expression === "number" && expression >= 1 && expression <= maxObjectId) return expression;
  throw new BananaViolation("the number of an object is out of range");
}

function readFailure(state: Received): ReceivedFailure {
  if (!(state instanceof Map)) throw new BananaViolation("a failure has no state");
  const field = (name: string): string => (textOf(state.get(name)) ?? "").slice(0, maxFailureText);
  return new ReceivedFailure({
    type: field("type").slice(0, 200) || "an unknown exception",
    value: field("value"),
    traceback: field("traceback"),
  });
}

const maxFailureText = 65_536;
