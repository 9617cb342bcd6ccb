import type { ClassMapping, Mappings } from "./classes/class-mapping.ts";
import type { ObjectValue, Values } from "./document.ts";
import type { Rule } from "./rules.ts";
import type { Scope } from "./scope.ts";
import type { Entry } from "./source-file.ts";

/** The mapping of a class, by its own name or by that of the nearest class of Buildbot's. */
export function mappingOf(mappings: Mappings, { base }: Pick<ObjectValue, "base">): ClassMapping | undefined {
  return Object.hasOwn(mappings, base) ? mappings[base] : undefined;
}

/** The entries that arguments become. `common`: rules for arguments that every such class has. */
export function entriesFor(
  mapping: ClassMapping,
  args: Values,
  scope: Scope,
  common: Readonly<Record<string, Rule>> = {},
): Entry[] {
  const rules = { ...common, ...mapping.options };
  const entries = Object.entries(args).flatMap(([name, value]): readonly Entry[] => {
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined;
    if (rule !== undefined) return rule(value, scope, args, name);
    scope.todo(`its option ${name} is not known`, "see docs/reference for what there is");
    return [];
  });
  const made = [...(mapping.more?.(args, scope) ?? []), ...entries];
  const given = new Set(made.map(([key]) => key));
  const isName = ([key]: Entry) => key === "name";
  const rest = [
    ...(mapping.defaults ?? []).filter(([key]) => !given.has(key)),
    ...made.filter((entry) => !isName(entry)),
  ];
  return [...made.filter(isName), ...rest];
}

/** Reports what a class of the configuration does in its own way. */
export function reportOwnClass({ class: name, base, overrides = [] }: ObjectValue, scope: Scope): void {
  if (name === base || overrides.length === 0) return;
  scope.todo(
    `its class ${name} has its own ${overrides.join(", ")}; it is translated as ${base}`,
    "see docs/own-steps.md and docs/extending.md",
  );
}
