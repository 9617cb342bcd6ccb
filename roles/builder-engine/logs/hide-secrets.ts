import { Secrets } from "./secrets.ts";

/** Replaces every secret in a text. */
export type Hide = (text: string) => string;

/** Hides the secrets of all of these builders: for texts of functions of the config, which may be of no single builder. */
export function hideSecretsOf(
  builders: readonly { readonly secrets?: Readonly<Record<string, string>> | undefined }[],
): Hide {
  const all = [...new Set(builders.map(({ secrets }) => secrets))].map((values) => new Secrets(values));
  return (text) => all.reduce((hidden, secrets) => secrets.hide(hidden), text);
}

/** An error as the log may show it. */
export function hideInError(error: unknown, hide: Hide): unknown {
  if (!(error instanceof Error)) return typeof error === "string" ? hide(error) : error;
  const shown = new Error(hide(error.message));
  shown.name = error.name;
  shown.stack = hide(error.stack ?? "");
  return shown;
}
