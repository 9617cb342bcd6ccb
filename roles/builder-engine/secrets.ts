import type { Json } from "@multimaster/core";
import { listHidden } from "./hidden-forms.ts";
import { HiddenTexts } from "./hidden-texts.ts";
import { StreamMask } from "./stream-mask.ts";

/** All builders of a set share what is found out about its secrets. */
const known = new WeakMap<object, HiddenTexts>();

/** What a builder may use and nobody may see: values by name, and a mask that puts `<name>` wherever one would show. */
export class Secrets {
  #values: Readonly<Record<string, string>>;
  #texts: HiddenTexts | undefined;

  constructor(values: Readonly<Record<string, string>> = {}) {
    this.#values = values;
    if (Object.keys(values).length === 0) return;
    this.#texts = known.get(values) ?? new HiddenTexts(listHidden(values));
    known.set(values, this.#texts);
  }

  /** The value, for a step's options. */
  get(name: string): string {
    const value = Object.hasOwn(this.#values, name) ? this.#values[name] : undefined;
    if (value !== undefined) return value;
    throw new Error(`there is no secret "${name}" (have: ${Object.keys(this.#values).join(", ") || "none"})`);
  }

  /** The text with every secret in it replaced. */
  hide(text: string): string {
    const mask = this.streamMask();
    return mask === undefined ? text : mask.add(text) + mask.end();
  }

  /** The same for every text in a value, however deep. */
  hideIn(value: Json): Json {
    if (this.#texts === undefined) return value;
    if (typeof value === "string") return this.hide(value);
    if (Array.isArray(value)) return value.map((item) => this.hideIn(item));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [this.hide(key), this.hideIn(item as Json)]));
  }

  /** A mask for a stream that comes in pieces; undefined when there is nothing to hide. */
  streamMask(): StreamMask | undefined {
    return this.#texts === undefined ? undefined : new StreamMask(this.#texts);
  }
}
