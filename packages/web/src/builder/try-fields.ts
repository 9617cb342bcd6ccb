import type { FormField, TryScheduler } from "@multimaster/data";
import type { FormValues } from "./force-fields.ts";

/** The fields of a try, in the form of those of a force scheduler. */
export function fieldsOfTry({ branch, builder_names: builders }: TryScheduler, builder: string): FormField[] {
  const field = (name: string, label: string, type: string, more: Partial<FormField> = {}): FormField => ({
    name,
    fullName: name,
    label,
    type,
    default: "",
    ...more,
  });
  return [
    field("patch", "Difference, as git diff prints it", "textarea"),
    field("builderNames", "Builders", "list", {
      choices: builders,
      multiple: true,
      default: [builder],
      hide: builders.length === 1,
    }),
    field("branch", "Branch", "text", { default: branch ?? "" }),
    field("revision", "Revision that the difference is to", "text", { tooltip: "empty: the newest of the branch" }),
    field("level", "Leading parts of file names to remove", "int", { default: 1 }),
    field("subdir", "Directory of the sources in which it applies", "text"),
    field("comment", "Comment", "text"),
    field("properties", "Properties, one NAME=VALUE a line", "textarea"),
  ];
}

/** What a try sends, or the problems of the fields, by name. */
export function readTry(
  values: FormValues,
  file: Uint8Array | undefined,
): { readonly params: Parameters } | { readonly problems: Readonly<Record<string, string>> } {
  const text = (name: string) => String(values[name] ?? "").trim();
  const patch = file ?? new TextEncoder().encode(endLine(String(values["patch"] ?? "")));
  const lines = text("properties")
    .split("\n")
    .filter((line) => line.trim() !== "");
  const wrong = lines.find((line) => !/^[^=]*\S[^=]*=/.test(line));
  const builders = values["builderNames"] as readonly string[];
  const problems = {
    ...(patch.length === 0 && { patch: "Paste the difference, or choose a file." }),
    ...(builders.length === 0 && { builderNames: "Choose a builder." }),
    ...(!/^[0-9]$/.test(text("level")) && { level: "Must be a whole number from 0 to 9." }),
    ...(wrong !== undefined && { properties: `"${wrong}" is no property: write NAME=VALUE.` }),
  };
  if (Object.keys(problems).length > 0) return { problems };
  const given = (["branch", "revision", "subdir"] as const).filter((name) => text(name) !== "");
  const pairs = lines.map((line) => [line.slice(0, line.indexOf("=")).trim(), line.slice(line.indexOf("=") + 1)]);
  return {
    params: {
      patch: toBase64(patch),
      builderNames: [...builders],
      level: Number(text("level")),
      comment: text("comment"),
      properties: Object.fromEntries(pairs),
      ...Object.fromEntries(given.map((name) => [name, text(name)])),
    },
  };
}

interface Parameters {
  readonly patch: string;
  readonly builderNames: string[];
  readonly level: number;
  readonly comment: string;
  readonly properties: Record<string, string>;
  readonly branch?: string;
  readonly revision?: string;
  readonly subdir?: string;
}

/** What is pasted often lacks the end of its last line, without which git refuses it. */
const endLine = (text: string) => (text.trim() === "" ? "" : text.endsWith("\n") ? text : `${text}\n`);

function toBase64(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}
