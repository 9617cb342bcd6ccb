/** Something that the written config does not do as Buildbot did, or that needs a value. */
export interface Finding {
  /**
   * "todo": it is not translated, or not wholly. "secret": it reads a variable of the environment. "note": it works, in another
   * way.
   */
  readonly kind: "todo" | "secret" | "note";
  /** Such as `builder "linux", step "compile"`. */
  readonly where: string;
  /** File and line in Buildbot's configuration, where they are known. */
  readonly at: string | undefined;
  /** What is not so. */
  readonly what: string;
  /** What to do. */
  readonly suggestion: string;
}

/** Collects findings, and counts the constructs that have none. */
export class Findings {
  readonly #all = new Map<string, Finding>();
  readonly #constructs = new Map<string, boolean>();

  get all(): readonly Finding[] {
    return [...this.#all.values()];
  }

  /** How many constructs there are, and which of them need a user. */
  get share(): { readonly constructs: number; readonly open: readonly string[] } {
    const open = [...this.#constructs].filter(([, translated]) => !translated).map(([where]) => where);
    return { constructs: this.#constructs.size, open };
  }

  /** A construct begins: a builder, a step, a scheduler. Two of the same name count apart. */
  begin(where: string): string {
    let name = where;
    for (let again = 2; this.#constructs.has(name); again += 1) name = `${where} (${again})`;
    this.#constructs.set(name, true);
    return name;
  }

  add(finding: Finding): void {
    const { kind, where, at, what } = finding;
    const key = JSON.stringify([kind, where, at, what]);
    if (!this.#all.has(key)) this.#all.set(key, finding);
    if (finding.kind === "todo") this.#constructs.set(finding.where, false);
  }
}
