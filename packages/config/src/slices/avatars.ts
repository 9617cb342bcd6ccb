import { z } from "zod";

const placeholders = ["sha256", "md5", "email", "size"];

/** What is wrong with the address of a service of pictures; undefined: nothing. */
function findProblem(address: string): string | undefined {
  const named = [...address.matchAll(/\{([^{}]*)\}/g)].map(([, name]) => name as string);
  const unknown = named.find((name) => !placeholders.includes(name));
  if (unknown !== undefined) return `{${unknown}} is unknown; it may have {sha256}, {md5}, {email} and {size}`;
  if (!named.some((name) => name !== "size"))
    return "must name the author by {sha256} or {md5} of the address, or {email}";
  const [origin] = address.split("{");
  if (!/^https:\/\/[^/]+\//.test(address) || !URL.canParse(origin ?? "") || /[\s"'<>;,]/.test(address))
    return "must be an https address, such as https://avatars.example.org/{sha256}?s={size}";
  return undefined;
}

/** Where pictures of authors come from. */
export const avatars = z
  .union([
    z.enum(["initials", "none"]),
    z.string().superRefine((address, ctx) => {
      const message = findProblem(address);
      if (message !== undefined) ctx.addIssue({ code: "custom", message });
    }),
  ])
  .default("initials")
  .describe(
    "Pictures of authors. initials: the page draws them, and asks no one; none; or the address of a service that visitors' browsers ask, with {sha256} or {md5} of the email address in lower case, {email}, and {size} in pixels.",
  );
