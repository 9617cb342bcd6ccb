import type { Finding, Findings } from "./findings.ts";
import type { SourceFile } from "./source-file.ts";

/** Names of environment variables for the secrets that are withheld: one for each secret, wherever it stands. */
export class SecretNames {
  readonly #bySecret = new Map<string, string>();
  readonly #taken = new Set<string>();
  /** Secrets that steps use: the builder set has to define them. */
  readonly ofSteps = new Set<string>();
  /** Secrets that steps ask a provider for, by the name that Buildbot's provider knows. */
  readonly asked = new Set<string>();

  /** The variable of a secret, which `id` tells from others; `wish` says what it may be called. */
  nameOf(id: string, wish: string): string {
    const known = this.#bySecret.get(id);
    if (known !== undefined) return known;
    const plain = asVariable(wish);
    let name = plain;
    for (let again = 2; this.#taken.has(name); again += 1) name = `${plain}_${again}`;
    this.#taken.add(name);
    this.#bySecret.set(id, name);
    return name;
  }
}

/** A text as the name of an environment variable. */
export function asVariable(text: string): string {
  const name = text
    .replace(/([a-z\d])([A-Z])/g, "$1_$2")
    .replace(/[^A-Za-z\d]+/g, "_")
    .replace(/^_+|_+$/g, "")
    .toUpperCase();
  return /^[A-Z]/.test(name) ? name : `SECRET_${name}`;
}

/** Where a construct is translated: what it may import, and who hears of what is not translated. */
export class Scope {
  readonly file: SourceFile;
  readonly secrets: SecretNames;
  readonly where: string;
  readonly at: string | undefined;
  /** Whether options may be functions of the build. */
  readonly rendered: boolean;
  readonly #findings: Findings;

  constructor(options: {
    file: SourceFile;
    secrets: SecretNames;
    findings: Findings;
    where: string;
    at?: string | undefined;
    rendered?: boolean;
  }) {
    this.file = options.file;
    this.secrets = options.secrets;
    this.#findings = options.findings;
    this.where = options.where;
    this.at = options.at;
    this.rendered = options.rendered ?? false;
  }

  /** The scope of a construct of its own in the same file. */
  begin(where: string, at: string | undefined, rendered = this.rendered): Scope {
    const { file, secrets } = this;
    return new Scope({ file, secrets, findings: this.#findings, where: this.#findings.begin(where), at, rendered });
  }

  /** Something that is not translated. */
  todo(what: string, suggestion: string, at = this.at): void {
    this.#add("todo", what, suggestion, at);
  }

  /** Something that works in another way. */
  note(what: string, suggestion: string): void {
    this.#add("note", what, suggestion, this.at);
  }

  /** An expression whose value is a secret that was withheld. `wish`: what its variable may be called. */
  withheld(id: number, wish: string): string {
    const name = this.secrets.nameOf(String(id), wish);
    const what = `${name} is a secret of Buildbot's config`;
    if (!this.rendered) return this.#read(name, what);
    this.secrets.ofSteps.add(name);
    this.#add("secret", what, `set ${name} where engines run`, this.at);
    return `${this.file.named("secret")}(${JSON.stringify(name)})`;
  }

  /** An expression that reads a secret from the environment. `wish`: what its variable may be called. */
  fromEnvironment(wish: string, what: string): string {
    const name = this.secrets.nameOf(`${what} ${wish}`, wish);
    return this.#read(name, `${name} is ${what}`);
  }

  #read(name: string, what: string): string {
    this.#add("secret", what, `set ${name} where masters run`, this.at);
    return `${this.file.named("envSecret")}(${JSON.stringify(name)})`;
  }

  #add(kind: Finding["kind"], what: string, suggestion: string, at: string | undefined): void {
    this.#findings.add({ kind, where: this.where, at, what, suggestion });
  }
}
