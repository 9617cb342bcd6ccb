import type { Mappings } from "./classes/class-mapping.ts";
import { entriesFor, mappingOf, reportOwnClass } from "./construct.ts";
import type { Part } from "./document.ts";
import type { Scope } from "./scope.ts";
import { type Code, type Entry, literal, object } from "./source-file.ts";

/** Schedulers, change sources, reporters: each is a plugin's descriptor, or a finding. */
export interface TranslatedPart {
  readonly code: Code;
  /** The plugin, such as "schedulers/force". */
  readonly to: string;
}

/** How the parts of one kind are translated. */
export interface PartKind {
  /** Such as "scheduler". */
  readonly noun: string;
  readonly mappings: Mappings;
  /** What to use in the place of a class that is not translated. */
  readonly instead: (base: string) => string;
  /** Whether each has to have a name; it is made of the plugin's where Buildbot needs none. */
  readonly named?: boolean;
}

export function translateParts(parts: readonly Part[], kind: PartKind, scope: Scope): TranslatedPart[] {
  const names = new Set<string>();
  return parts.flatMap((part): TranslatedPart[] => {
    if (part.is === "unknown") {
      scope.begin(`${kind.noun} ${part.class}`, undefined).todo("its class is none of Buildbot's", kind.instead(""));
      return [];
    }
    const name = part.args["name"];
    const shown = typeof name === "string" ? JSON.stringify(name) : part.class;
    const inner = scope.begin(`${kind.noun} ${shown}`, part.at);
    const mapping = mappingOf(kind.mappings, part);
    if (mapping === undefined) {
      inner.todo(`the class ${part.class} is not translated`, kind.instead(part.base));
      return [];
    }
    const entries = entriesFor(mapping, part.args, inner);
    reportOwnClass(part, inner);
    const all = kind.named
      ? [nameEntry(mapping.to, name, names), ...entries.filter(([key]) => key !== "name")]
      : entries;
    return [{ code: { call: scope.file.plugin(mapping.to), args: [object(all)] }, to: mapping.to }];
  });
}

/** A name that no other part has. */
function nameEntry(to: string, given: unknown, names: Set<string>): Entry {
  const plain = typeof given === "string" ? given : to.slice(to.lastIndexOf("/") + 1);
  let name = plain;
  for (let again = 2; names.has(name); again += 1) name = `${plain}-${again}`;
  names.add(name);
  return ["name", literal(name)];
}
