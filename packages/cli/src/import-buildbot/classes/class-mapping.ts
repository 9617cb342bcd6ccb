import type { Values } from "../document.ts";
import { dropped, type Rule } from "../rules.ts";
import type { Scope } from "../scope.ts";
import type { Entry } from "../source-file.ts";

/** What one class of Buildbot's becomes. */
export interface ClassMapping {
  /** The plugin, such as "steps/shell". */
  readonly to: string;
  /** What becomes of each argument; one that is not here is reported. */
  readonly options: Readonly<Record<string, Rule>>;
  /** Entries that follow from the class, or from several arguments. */
  readonly more?: (args: Values, scope: Scope) => readonly Entry[];
  /** Entries that are written unless an argument sets them. */
  readonly defaults?: readonly Entry[];
  /** Rules in which our step differs from a usual one. */
  readonly rules?: Readonly<Record<string, boolean>>;
  /** What differs, for the guide. */
  readonly differs?: string;
}

/** Arguments that ask for nothing here, in any class. */
export const ignored = (...names: readonly string[]): Record<string, Rule> =>
  Object.fromEntries(names.map((name) => [name, dropped]));

export type Mappings = Readonly<Record<string, ClassMapping>>;
