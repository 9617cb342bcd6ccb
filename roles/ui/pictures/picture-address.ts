import { createHash } from "node:crypto";

/** The origin of the service that has pictures of authors; undefined: there is none. */
export function pictureService(avatars: string): string | undefined {
  return avatars.startsWith("https://") ? new URL(avatars.replace(/\{.*/s, "")).origin : undefined;
}

/** The address of an author's picture, by the email address in the name; undefined: it has none. */
export function pictureAddress(template: string, author: string, size: number): string | undefined {
  const email = /[^\s<>@"]+@[^\s<>@"]+/.exec(author)?.[0].toLowerCase();
  if (email === undefined) return undefined;
  const values: Readonly<Record<string, () => string>> = {
    sha256: () => createHash("sha256").update(email).digest("hex"),
    md5: () => createHash("md5").update(email).digest("hex"),
    email: () => encodeURIComponent(email),
    size: () => String(size),
  };
  return template.replace(/\{(\w+)\}/g, (all, name: string) => values[name]?.() ?? all);
}
