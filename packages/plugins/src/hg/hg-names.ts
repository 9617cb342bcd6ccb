import { z } from "zod";
import { passwordOption } from "../source/password-option.ts";

/** The address of a repository. */
export const hgUrl = z
  .string()
  .regex(/^(https?|ssh|file):\/\/|^\//, "must begin with http://, https://, ssh:// or file://, or be an absolute path")
  .refine((url) => !/^[a-z]+:\/\/([^/@]*@)?-/.test(url), "must not name a host that is an option")
  .refine((url) => !/^[a-z]+:\/\/[^/@]*:[^/@]*@/.test(url), "must not hold a password: use credentials")
  // biome-ignore lint/suspicious/noControlCharactersInRegex: an address has none of them
  .refine((url) => !/[\u0000-\u0020\u007f]/.test(url), "must hold no space")
  .transform((url) => (url === "/" ? url : url.replace(/\/+$/, "")));

/** User name and password for an http repository. */
export const hgCredentials = z
  .strictObject({
    username: z
      .string()
      .min(1)
      .regex(/^[^\r\n]+$/, "must be one line")
      .describe("User name."),
    password: passwordOption,
  })
  .optional()
  .describe("User name and password for an http repository; they are in a private file while hg speaks to the host.");

/** Variables of each hg command: output for programs, and nothing of the repository's own configuration. */
export const hgEnvironment: Readonly<Record<string, string>> = {
  HGPLAIN: "1",
  HGENCODING: "UTF-8",
  // A build may have written hooks and extensions there.
  HGRCSKIPREPO: "1",
};

/** Whether Mercurial takes the text for a name of a branch or bookmark, and for nothing else. */
export function isHgName(name: string): boolean {
  return (
    name.length > 0 &&
    name.length <= 255 &&
    name === name.trim() &&
    !/^-|^(tip|null|\.)$/.test(name) &&
    !/\p{Surrogate}/u.test(name) &&
    // biome-ignore lint/suspicious/noControlCharactersInRegex: Mercurial forbids them
    !/[\u0000-\u001f\u007f:]/.test(name)
  );
}

/** The name as a literal in an expression for revisions. */
export function quoteHg(name: string): string {
  return `"literal:${name.replace(/[\\"]/g, "\\$&")}"`;
}

/** The file of settings that authenticates at the repository's host. */
export function composeHgAuth(url: string, { username, password }: { username: string; password: string }): string {
  const prefix = url.replace(/^[a-z]+:\/\/([^/@]*@)?/, "");
  return `[auth]\nown.prefix = ${prefix}\nown.schemes = http https\nown.username = ${username}\nown.password = ${password}\n`;
}

/** The places where Mercurial reads its settings by default, and after them our file. */
export const hgrcPath = (file: string) =>
  `\${HGRCPATH-/etc/mercurial/hgrc:/etc/mercurial/hgrc.d:$HOME/.hgrc:$HOME/.config/hg/hgrc}:${file}`;
