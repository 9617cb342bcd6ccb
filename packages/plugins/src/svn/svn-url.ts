import { z } from "zod";
import { passwordOption } from "../source/password-option.ts";

/** The address of a repository, or of a directory in one. */
export const svnUrl = z
  .string()
  .regex(/^(https?|svn|svn\+ssh|file):\/\//, "must begin with http://, https://, svn://, svn+ssh:// or file://")
  .refine((url) => !/^[a-z+]+:\/\/([^/@]*@)?-/.test(url), "must not name a host that is an option")
  .refine((url) => !/^[a-z+]+:\/\/[^/@]*:[^/@]*@/.test(url), "must not hold a password: use credentials")
  // biome-ignore lint/suspicious/noControlCharactersInRegex: an address has none of them
  .refine((url) => !/[\u0000-\u0020\u007f]/.test(url), "must hold no space")
  .transform((url) => url.replace(/\/+$/, ""));

/** User name and password; the program gets the password by its standard input. */
export const svnCredentials = z
  .strictObject({
    username: z
      .string()
      .min(1)
      .regex(/^[^-\s]\S*$/, "must be a name")
      .describe("User name."),
    password: passwordOption,
  })
  .optional()
  .describe("User name and password; the password is passed by standard input. Needs Subversion 1.10.");

/** Whether a directory below the repository's address is one that svn takes for no more than that. */
export function isSvnPath(path: string): boolean {
  return (
    path.length <= 1024 &&
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are in no name
    !/[\u0000-\u001f\u007f\\]/.test(path) &&
    !/\p{Surrogate}/u.test(path) &&
    path.split("/").every((part) => part !== "" && part !== "." && part !== "..")
  );
}

/** The address of a directory below another; a character that means something in an address is encoded. */
export function joinSvnUrl(base: string, path: string): string {
  return path === "" ? base : `${base}/${path.split("/").map(encodeURIComponent).join("/")}`;
}

/** Settings of each svn command: it never asks, and remembers no password that it gets here. */
export function svnArguments(credentials: { username: string; password: string } | undefined): readonly string[] {
  if (credentials === undefined) return ["--non-interactive"];
  return ["--non-interactive", "--no-auth-cache", "--username", credentials.username, "--password-from-stdin"];
}
