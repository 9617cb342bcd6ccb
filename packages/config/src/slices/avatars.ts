import { z } from "zod";

const placeholders = ["sha256", "md5", "email", "size"];
const example = "https://avatars.example.org/{sha256}?s={size}";

/** What is wrong with a source of pictures; undefined: nothing. */
function findProblem(source: string): string | undefined {
  if (source === "initials" || source === "none") return undefined;
  const [fixed = ""] = source.split("{");
  if (!/^https:\/\/[^/]+\//.test(fixed) || !URL.canParse(fixed) || /[\s"'<>;,]/.test(source))
    return `must be "initials", "none", or an https address such as ${example}`;
  const named = [...source.matchAll(/\{([^{}]*)\}/g)].map(([, name]) => name as string);
  const unknown = named.find((name) => !placeholders.includes(name));
  if (unknown !== undefined) return `{${unknown}} is unknown; there are {sha256}, {md5}, {email} and {size}`;
  if (named.every((name) => name === "size")) return `must name the author, as ${example} does`;
  return undefined;
}

/** Where pictures of authors come from. */
export const avatars = z
  .string()
  .superRefine((source, ctx) => {
    const message = findProblem(source);
    if (message !== undefined) ctx.addIssue({ code: "custom", message });
  })
  .default("initials")
  .describe(
    "Pictures of authors. initials: the page draws them and asks no one; none; or the address of a service that visitors' browsers ask, with {sha256} or {md5} of the email address in lower case, or {email}, and {size} in pixels.",
  );
