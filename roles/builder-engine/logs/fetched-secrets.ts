import type { PluginDescriptor } from "@multimaster/config";
import { type Clock, describeCause, fitsGlob, systemClock } from "@multimaster/core";
import type { CommonSecretOptions, SecretProvider, SecretProviderDefinition } from "@multimaster/plugins";

/** A value that is shorter would hide ordinary words. */
const shortest = 4;
/** A value that is longer is no secret. */
const longest = 65_536;

interface Place {
  readonly definition: SecretProviderDefinition;
  readonly options: CommonSecretOptions;
  readonly provider: SecretProvider;
  readonly described: string;
}

interface Fetched {
  readonly value: Promise<string>;
  /** A time of the clock, from which on it is fetched again. */
  readonly until: number;
}

/** What one builder may fetch. */
export interface BuilderSecrets {
  readonly names: readonly string[];
  /** The value of a secret; rejects with a sentence. */
  fetch(name: string): Promise<string>;
}

/** The secrets that providers of a builder set have, each kept for as long as its provider allows. */
export class FetchedSecrets {
  readonly #clock: Clock;
  readonly #places = new Map<string, Place>();
  readonly #values = new Map<string, Fetched>();

  constructor(
    providers: readonly PluginDescriptor<"secret-provider">[],
    configDirectory: string,
    clock: Clock = systemClock,
  ) {
    this.#clock = clock;
    for (const { plugin, options } of providers) {
      const definition = plugin as unknown as SecretProviderDefinition;
      const provider = definition.start({ clock, configDirectory }, options);
      const described = definition.describe(options);
      const place = { definition, options: options as CommonSecretOptions, provider, described };
      for (const name of definition.namesOf(options)) this.#places.set(name, place);
    }
  }

  /** Those of a set; undefined: it has no providers. */
  static of(
    providers: readonly PluginDescriptor<"secret-provider">[],
    configDirectory: string,
  ): FetchedSecrets | undefined {
    return providers.length === 0 ? undefined : new FetchedSecrets(providers, configDirectory);
  }

  forBuilder(builder: string): BuilderSecrets {
    return {
      names: [...this.#places.keys()],
      fetch: async (name) => {
        const place = this.#places.get(name);
        if (!place) throw new Error(`there is no secret "${name}"`);
        const { builders } = place.options;
        if (builders !== undefined && !builders.some((glob) => fitsGlob(builder, glob)))
          throw new Error(
            `the builder "${builder}" may not use the secret "${name}"; builders: [...] of its provider says which may`,
          );
        return this.#valueOf(name, place);
      },
    };
  }

  /** Builds that ask for a value at the same time wait for one answer. A failure is not kept. */
  #valueOf(name: string, place: Place): Promise<string> {
    const known = this.#values.get(name);
    if (known && this.#clock.now() < known.until) return known.value;
    const value = this.#fetch(name, place);
    const { cache, timeout } = place.options;
    const fetched = { value, until: this.#clock.now() + Math.max(cache, timeout) };
    this.#values.set(name, fetched);
    const forget = () => {
      if (this.#values.get(name) === fetched) this.#values.delete(name);
    };
    value.then(
      () => this.#values.get(name) === fetched && this.#values.set(name, { value, until: this.#clock.now() + cache }),
      forget,
    );
    return value;
  }

  async #fetch(name: string, { provider, options, described }: Place): Promise<string> {
    const over = new AbortController();
    const done = new AbortController();
    const late = this.#clock.sleep(options.timeout, done.signal).then(() => {
      if (done.signal.aborted) return "";
      over.abort();
      throw new Error(`it has not answered for ${Math.round(options.timeout / 1000)} s`);
    });
    try {
      const value = await Promise.race([provider.fetch(name, over.signal), late]);
      if (value.replace(/[\r\n]/g, "").length < shortest) throw new Error(`it has fewer than ${shortest} characters`);
      if (value.length > longest) throw new Error(`it has more than ${longest} characters`);
      return value;
    } catch (error) {
      throw new Error(`the secret "${name}" could not be fetched from ${described}: ${describeCause(error)}`);
    } finally {
      done.abort();
    }
  }
}
