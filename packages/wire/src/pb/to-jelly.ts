import { RequestRefused } from "../link-errors.ts";
import { BananaFloat, type Encodable, maxStringBytes } from "./banana.ts";
import { OwnObject, type Sendable, Tuple } from "./values.ts";

/** How texts are sent: workers on Python 2 take bytes, and fail at texts with characters beyond ASCII. */
export type TextForm = "unicode" | "bytes";

/** Wraps a value for sending. Refuses a text or bytes that are too long, by name: the worker would drop the connection. */
export function toJelly(value: Sendable, path = "the value", form: TextForm = "unicode"): Encodable {
  const items = (list: readonly Sendable[]) => list.map((item, n) => toJelly(item, `${path}[${n}]`, form));
  if (value === null) return ["None"];
  if (typeof value === "boolean") return ["boolean", value ? "true" : "false"];
  if (typeof value === "number") return Number.isSafeInteger(value) ? value : new BananaFloat(value);
  if (typeof value === "string") {
    const bytes = checkLength(Buffer.from(value, "utf8"), path);
    return form === "bytes" ? bytes : ["unicode", bytes];
  }
  if (value instanceof Uint8Array) return checkLength(value, path);
  if (value instanceof OwnObject) return ["remote", value.id];
  if (value instanceof Tuple) return ["tuple", ...items(value.items)];
  if (Array.isArray(value)) return ["list", ...items(value)];
  return [
    "dictionary",
    ...Object.entries(value).map(([key, item]) => [
      toJelly(key, path, form),
      toJelly(item, `${path}.${key.slice(0, 100)}`, form),
    ]),
  ];
}

function checkLength<T extends Uint8Array>(bytes: T, path: string): T {
  if (bytes.length <= maxStringBytes) return bytes;
  throw new RequestRefused(
    `${path} is ${bytes.length} bytes long, but a worker that is connected with the pb protocol takes at most ${maxStringBytes} in one text: send it as a file, or connect the worker with --protocol=msgpack_experimental_v7`,
  );
}
