import { errors, type Json } from "@multimaster/core";
import { queryRows } from "@multimaster/database";
import type { FormField } from "../resources/form-field.ts";
import { defineAction, readByAction, type UnreadParameters } from "./action.ts";
import { FieldErrors } from "./field-errors.ts";
import { fillForm, showValue } from "./force-form.ts";

export interface Form {
  readonly name: string;
  readonly enabled: boolean;
  readonly builder_names: readonly string[];
  readonly all_fields: readonly FormField[];
}

/**
 * `force`: the builders that the parameters name decide who may, and are built. Whether the form has them, and what else
 * was filled in, is checked afterwards, on whichever master was asked.
 */
export const forceBuild = defineAction(
  readByAction<UnreadParameters>(),
  async ({ connection, updates, actor, trail }, form: Form, params) => {
    const chosen = await readBuilders(connection, params);
    const builders = chosen.names ?? form.builder_names;
    return {
      about: async () => ({ builders }),
      async perform() {
        if (!form.enabled) throw errors.requestInvalid(`The force scheduler "${form.name}" is disabled.`);
        if (chosen.problem !== undefined) throw new FieldErrors({ [chosen.field]: chosen.problem });
        const wrong = builders.find((name) => !form.builder_names.includes(name));
        if (wrong !== undefined)
          throw new FieldErrors({ [chosen.field]: `"${form.name}" does not force the builder "${wrong}"` });
        const filled = fillForm(form.all_fields, params);
        if ("problems" in filled) throw new FieldErrors(filled.problems);
        // The name that an anonymous visitor enters is shown; rights depend on `askedBy` alone.
        const owner = actor.by === "nothing" && filled.username !== "" ? filled.username : actor.name;
        const source = "Force Build Form";
        const added = await updates.buildsets.add(
          {
            reason: `A build was forced by '${owner}': ${filled.reason}`,
            sourceStamps: filled.sourceStamps,
            builders,
            priority: filled.priority,
            scheduler: form.name,
            properties: {
              ...filled.properties,
              reason: [filled.reason, source],
              owner: [owner, source],
              scheduler: [form.name, "Scheduler"],
            },
            askedBy: actor,
          },
          trail,
        );
        return [added.bsid, added.requests] as const;
      },
    };
  },
);

interface Chosen {
  readonly field: "builderNames" | "builderid";
  /** Undefined: all of the form. */
  readonly names: readonly string[] | undefined;
  readonly problem?: string;
}

/** The names of the builders that are asked for: those given, or the one with the id. */
async function readBuilders(
  connection: Parameters<typeof queryRows>[0],
  { builderid, builderNames }: UnreadParameters,
): Promise<Chosen> {
  const names = readNames(builderNames);
  const id = readId(builderid);
  if (names.length > 0) return { field: "builderNames", names };
  if (id === undefined) return { field: "builderNames", names: undefined };
  const rows = await queryRows<{ name: string }>(connection, "select name from builders where id = cast(? as bigint)", [
    id,
  ]);
  const found = rows.map(({ name }) => name);
  return found.length > 0
    ? { field: "builderid", names: found }
    : { field: "builderid", names: [], problem: `there is no builder with the id '${id}'` };
}

function readNames(given: Json | undefined): readonly string[] {
  if (given === undefined || given === null) return [];
  const isList = Array.isArray(given) && given.every((name): name is string => typeof name === "string");
  if (!isList) throw new FieldErrors({ builderNames: "must be a list of names of builders, each a text" });
  return [...new Set(given)];
}

function readId(given: Json | undefined): number | undefined {
  if (given === undefined || given === null) return undefined;
  const text = typeof given === "number" || typeof given === "string" ? String(given) : "";
  if (!/^\d{1,15}$/.test(text))
    throw new FieldErrors({ builderid: `there is no builder with the id '${showValue(given)}'` });
  return Number(text);
}
