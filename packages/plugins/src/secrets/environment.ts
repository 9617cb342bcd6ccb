import { z } from "zod";
import { defineSecretProvider, secretName } from "../define-secret-provider.ts";

/** Variables of the master's environment. */
export default defineSecretProvider({
  type: "environment",
  options: {
    secrets: z.record(secretName, z.string().min(1)).describe("Names of variables by the names of secrets."),
  },
  describe: () => "the environment of the master",
  namesOf: ({ secrets }) => Object.keys(secrets),
  warnings: ({ secrets }) =>
    Object.entries(secrets)
      .filter(([, variable]) => !process.env[variable])
      .map(([name, variable]) => ({ path: ["secrets", name], sentence: `the variable ${variable} is not set here` })),
  start: (_ctx, { secrets }) => ({
    async fetch(name) {
      const variable = secrets[name] ?? name;
      const value = process.env[variable];
      if (!value) throw new Error(`the variable ${variable} is not set`);
      return value;
    },
  }),
});
