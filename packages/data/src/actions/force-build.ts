import { errors, type Json } from "@multimaster/core";
import { queryRows } from "@multimaster/database";
import type { Action, ActionParams } from "../define-resource.ts";
import { FieldErrors } from "./field-errors.ts";
import { type FormField, fillForm, showValue } from "./force-form.ts";

interface Form {
  readonly name: string;
  readonly enabled: boolean;
  readonly builder_names: readonly string[];
  readonly all_fields: readonly Json[];
}

/** `force`: checks the parameters against the published form and adds the buildset, on whichever master was asked. */
export const forceBuild: Action<Form> = async (context, form, params) => {
  if (!form.enabled) throw errors.requestInvalid(`The force scheduler "${form.name}" is disabled.`);
  const builders = await chooseBuilders(context.connection, form, params);
  const filled = fillForm(form.all_fields as unknown as FormField[], params);
  if ("problems" in filled) throw new FieldErrors(filled.problems);
  const owner = context.owner === "anonymous" && filled.username !== "" ? filled.username : context.owner;
  const source = "Force Build Form";
  const added = await context.updates.buildsets.add({
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
  });
  return [added.bsid, added.requests];
};

/** Builder names to force: those named, or the one with the id, or all of the form; never one that the form lacks. */
async function chooseBuilders(
  connection: Parameters<typeof queryRows>[0],
  form: Form,
  { builderid, builderNames }: ActionParams,
): Promise<string[]> {
  if (Array.isArray(builderNames) && builderNames.length > 0) {
    const wrong = builderNames.find((name) => !form.builder_names.includes(showValue(name)));
    if (wrong !== undefined)
      throw new FieldErrors({ builderNames: `"${form.name}" does not force the builder "${showValue(wrong)}"` });
    return builderNames.map(showValue);
  }
  if (builderid === undefined || builderid === null) return [...form.builder_names];
  const text = showValue(builderid);
  const rows = /^\d{1,15}$/.test(text)
    ? await queryRows<{ name: string }>(connection, "select name from builders where id = cast(? as bigint)", [
        Number(text),
      ])
    : [];
  const name = rows[0]?.name;
  if (name === undefined) throw new FieldErrors({ builderid: `there is no builder with the id '${text}'` });
  if (!form.builder_names.includes(name))
    throw new FieldErrors({ builderid: `"${form.name}" does not force the builder "${name}"` });
  return [name];
}
