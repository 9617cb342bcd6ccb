import { escapeTemplate, interpolate, secret } from "@multimaster/config";

/** What a pipeline file may name in `${{ … }}`. */
export interface AllowedNames {
  readonly secrets: readonly string[] | "any";
  readonly properties: readonly string[] | "any";
}

const inside = /^\s*(?:(secret|raw):)?([\w.-]+)(?::-([^{}]*?))?\s*$/;

export const holdsPlaceholder = (text: string): boolean => text.includes("${{");

/**
 * A text of a pipeline file with `${{ name }}` in it as a function of the build, the same as `interpolate("${name}")` in a
 * config; or what is wrong with it. Other uses of `$` are the shell's, and stay.
 */
export function readPlaceholders(
  text: string,
  allowed: AllowedNames,
): { readonly value: ReturnType<typeof interpolate> } | { readonly problems: readonly string[] } {
  const problems: string[] = [];
  let template = "";
  let end = 0;
  let only: string | undefined;
  for (const match of text.matchAll(/\$\{\{([^{}]*)\}\}/g)) {
    const [whole, content = ""] = match;
    template += escapeTemplate(text.slice(end, match.index));
    end = match.index + whole.length;
    const [, kind, name = "", fallback] = inside.exec(content) ?? [];
    const problem = findProblem({ content, kind, name, before: text[match.index - 1] }, allowed);
    if (problem !== undefined) problems.push(problem);
    if (kind === "secret" && whole === text.trim()) only = name;
    template += `\${${kind === undefined ? "" : `${kind}:`}${name}${fallback === undefined ? "" : `:-${fallback}`}}`;
  }
  const rest = text.slice(end);
  if (holdsPlaceholder(rest)) problems.push('"${{" has no "}}" after it');
  if (problems.length > 0) return { problems };
  return { value: only === undefined ? interpolate(template + escapeTemplate(rest)) : secret(only) };
}

interface Found {
  readonly content: string;
  readonly kind: string | undefined;
  readonly name: string;
  readonly before: string | undefined;
}

function findProblem({ content, kind, name, before }: Found, allowed: AllowedNames): string | undefined {
  if (name === "")
    return `"\${{${content.slice(0, 40)}}}" must be \${{ property }}, \${{ property:-default }}, \${{ raw:property }} or \${{ secret:NAME }}`;
  if (before === "$") return 'a "$" directly before "${{" is not possible';
  const [what, list, option] =
    kind === "secret"
      ? (["secret", allowed.secrets, "secrets"] as const)
      : (["property", allowed.properties, "properties"] as const);
  if (list === "any" || list.includes(name)) return undefined;
  return `the ${what} "${name}" may not be named here (${option} of the config: ${list.join(", ") || "none"})`;
}
