import type { Json } from "@multimaster/core";
import { listHidden } from "./hidden-forms.ts";
import { HiddenTexts } from "./hidden-texts.ts";
import { StreamMask } from "./stream-mask.ts";

/** Texts that steps have learnt are kept hidden up to this number. */
const maxLearnt = 100;

/** All builders of a set share what is found out about its secrets. */
const known = new WeakMap<object, HiddenTexts>();

/** What a builder may use and no one may see: values by name, and a mask that puts `<name>` wherever one would show. */
export class Secrets {
  #values: Readonly<Record<string, string>>;
  #learnt: readonly (readonly [name: string, text: string])[] = [];
  #texts: HiddenTexts | undefined;
  /** Names that may be used; undefined: all. */
  #allowed: readonly string[] | undefined;
  /** Those of the builder, which later builds of it begin with. */
  #builders: Secrets | undefined;

  constructor(values: Readonly<Record<string, string>> = {}) {
    this.#values = values;
    if (Object.keys(values).length === 0) return;
    this.#texts = known.get(values) ?? new HiddenTexts(listHidden(Object.entries(values)));
    known.set(values, this.#texts);
  }

  /** Hides one more text, which a step has learnt, from what is written from now on. */
  add(name: string, text: string): void {
    this.#builders?.add(name, text);
    if (text === "" || this.#learnt.some(([other, known]) => known === text && other === name)) return;
    // Tokens that change by the hour must not make the tree larger and larger.
    this.#learnt = [...this.#learnt.slice(1 - maxLearnt), [name, text]];
    this.#texts = new HiddenTexts(listHidden([...Object.entries(this.#values), ...this.#learnt]));
  }

  /** Whether a step has learnt a text that is hidden: no other engine knows it. */
  get hasLearnt(): boolean {
    return this.#learnt.length > 0;
  }

  /** Another one after each text that was learnt. */
  get version(): object | undefined {
    return this.#texts;
  }

  /**
   * The same secrets for one build, which keeps what it learns hidden to its end, however much others learn. Later builds
   * find what it has left in their directory, so they hide that too.
   */
  forBuild(): Secrets {
    const secrets = this.#copy();
    secrets.#builders = this;
    return secrets;
  }

  /**
   * The same secrets, all of them hidden, of which a build of a fork's code gets only these. What it learns may be a
   * stranger's text, which no other build hides.
   */
  forFork(allowed: boolean | readonly string[]): Secrets {
    const secrets = this.#copy();
    if (allowed !== true) secrets.#allowed = Array.isArray(allowed) ? allowed : [];
    return secrets;
  }

  #copy(): Secrets {
    const secrets = new Secrets(this.#values);
    secrets.#learnt = this.#learnt;
    secrets.#texts = this.#texts;
    return secrets;
  }

  /** The value, for a step's options. */
  get(name: string): string {
    if (this.#allowed && !this.#allowed.includes(name))
      throw new Error(
        `this build is of a fork's code, or no one says that it is not, so it gets no secret "${name}"; secretsForForks: ["${name}"] of the builder gives it to whoever opens a pull request`,
      );
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
    // A secret of digits is one as a number as well.
    if (typeof value === "number") return this.hide(String(value)) === String(value) ? value : this.hide(String(value));
    if (Array.isArray(value)) return value.map((item) => this.hideIn(item));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [this.hide(key), this.hideIn(item as Json)]));
  }

  /** A mask for a stream that comes in pieces; undefined when there is nothing to hide. */
  streamMask(): StreamMask | undefined {
    return this.#texts === undefined ? undefined : new StreamMask(this.#texts);
  }
}
