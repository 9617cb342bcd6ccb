import { createHash } from "node:crypto";
import { hashPassword, isPassword, isPasswordHash, type User } from "@multimaster/core";
import { z } from "zod";
import { defineAuth } from "../define-auth.ts";

const user = z.strictObject({
  password: z
    .string()
    .refine(isPasswordHash, 'must be a hash made by "master hash-password", never the password itself')
    .describe('Hash of the password, made by "master hash-password".'),
  email: z.email().nullable().default(null),
  fullName: z.string().nullable().default(null),
  groups: z.array(z.string()).default([]),
});

function userOf(username: string, { email, fullName, groups }: z.output<typeof user>): User {
  return { username, email, fullName, groups };
}

/** Users listed in the config, each with the hash of a password. */
export default defineAuth({
  type: "password",
  options: z.strictObject({
    users: z
      .record(z.string().min(1), user)
      .describe("Users by name, each with the hash that `master hash-password` prints."),
  }),
  look: () => ({ name: "password" }),
  start(_, { users }) {
    const known = new Map(Object.entries(users));
    // An unknown name takes as long as a known one, so that timing does not reveal names.
    const stranger = hashPassword("");
    return {
      kind: "password",
      async check(username, password) {
        const found = known.get(username);
        const isRight = await isPassword(password, found?.password ?? (await stranger));
        if (!found || !isRight) return undefined;
        return userOf(username, found);
      },
      find(username) {
        const found = known.get(username);
        if (!found) return undefined;
        const fingerprint = createHash("sha256").update(found.password).digest("hex");
        return { user: userOf(username, found), fingerprint };
      },
    };
  },
});
