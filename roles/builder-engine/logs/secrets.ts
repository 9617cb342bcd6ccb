import type { Json } from "@multimaster/core";
import type { BuilderSecrets } from "./fetched-secrets.ts";
import { listHidden } from "./hidden-forms.ts";
import { HiddenTexts } from "./hidden-texts.ts";
import { StreamMask } from "./stream-mask.ts";

/** Texts that steps have learnt are kept hidden up to this number. */
const maxLearnt = 100;

/** Fewer first characters of a secret may be any other text. */
const shortestCut = 6;

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

  /** What fetches further ones; the last values, which are hidden; and which of them this build has. */
  readonly #provided: BuilderSecrets | undefined;
  #fetched: ReadonlyMap<string, string> = new Map();
  readonly #ready = new Set<string>();

  constructor(values: Readonly<Record<string, string>> = {}, provided?: BuilderSecrets) {
    this.#values = values;
    this.#provided = provided;
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
    this.#hideAll();
  }

  /** Hides what these secrets hid and the builder's new ones do not have any more. */
  keepHidden(former: Secrets): void {
    // What builds learn that began with those.
    former.#builders = this;
    const known = new Set(Object.values(this.#values));
    const all = [...Object.entries(former.#values), ...former.#fetched, ...former.#learnt];
    const kept = all.filter(([, text]) => !known.has(text));
    if (kept.length === 0) return;
    this.#learnt = kept.slice(-maxLearnt);
    this.#hideAll();
  }

  /** What was fetched stays hidden, however much steps learn. */
  #keep(name: string, value: string): void {
    if (this.#builders !== undefined) this.#builders.#keep(name, value);
    const former = this.#fetched.get(name);
    if (former === value) return;
    // What a rotated secret was before is still in directories, and maybe still valid.
    if (former !== undefined) this.add(name, former);
    this.#fetched = new Map([...this.#fetched, [name, value]]);
    this.#hideAll();
  }

  #hideAll(): void {
    const all = [...Object.entries(this.#values), ...this.#fetched, ...this.#learnt];
    this.#texts = new HiddenTexts(listHidden(all));
  }

  /** Whether a step has learnt a text that is hidden: no other engine knows it. */
  get hasLearnt(): boolean {
    return this.#learnt.length > 0 || this.#fetched.size > 0;
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
    const secrets = new Secrets(this.#values, this.#provided);
    secrets.#learnt = this.#learnt;
    secrets.#fetched = this.#fetched;
    secrets.#texts = this.#texts;
    return secrets;
  }

  /**
   * Fetches those of these secrets that providers have, for the options of a step that begins; they are hidden from then on.
   * Rejects with a sentence.
   */
  async fetch(names: Iterable<string>): Promise<void> {
    for (const name of names) {
      if (!this.#provided?.names.includes(name)) continue;
      this.#refuseToForks(name);
      const value = await this.#provided.fetch(name);
      this.#keep(name, value);
      this.#ready.add(name);
    }
  }

  /** The value, for a step's options. */
  get(name: string): string {
    this.#refuseToForks(name);
    const value = Object.hasOwn(this.#values, name) ? this.#values[name] : this.#fetchedValue(name);
    if (value !== undefined) return value;
    const provided = this.#provided?.names ?? [];
    if (provided.includes(name))
      throw new Error(
        `the secret "${name}" has not been fetched: only options with secret("${name}") or interpolate("\${secret:${name}}") in a step or in the builder's env can use it`,
      );
    const have = [...Object.keys(this.#values), ...provided].join(", ");
    throw new Error(`there is no secret "${name}" (have: ${have || "none"})`);
  }

  #fetchedValue(name: string): string | undefined {
    return this.#ready.has(name) ? this.#fetched.get(name) : undefined;
  }

  #refuseToForks(name: string): void {
    if (this.#allowed && !this.#allowed.includes(name))
      throw new Error(
        `this build is of a fork's code, or no one says that it is not, so it gets no secret "${name}"; secretsForForks: ["${name}"] of the builder gives it to whoever opens a pull request`,
      );
  }

  /** The text with every secret in it replaced, and what is left of one where the text was cut before. */
  hide(text: string): string {
    const masked = this.#mask(text);
    return this.#texts === undefined ? masked : this.#texts.hideCut(masked, shortestCut);
  }

  #mask(text: string): string {
    const mask = this.streamMask();
    return mask === undefined ? text : mask.add(text) + mask.end();
  }

  /** The same for every text in a value, however deep. */
  hideIn(value: Json): Json {
    if (this.#texts === undefined) return value;
    if (typeof value === "string") return this.hide(value);
    // A secret of digits is one as a number as well.
    if (typeof value === "number")
      return this.#mask(String(value)) === String(value) ? value : this.#mask(String(value));
    if (Array.isArray(value)) return value.map((item) => this.hideIn(item));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [this.hide(key), this.hideIn(item as Json)]));
  }

  /** A mask for a stream that comes in pieces; undefined when there is nothing to hide. */
  streamMask(): StreamMask | undefined {
    return this.#texts === undefined ? undefined : new StreamMask(this.#texts);
  }
}
