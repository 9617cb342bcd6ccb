import { z } from "zod";
import { defineSecretProvider, secretName } from "../define-secret-provider.ts";
import { VaultClient } from "./vault/vault-client.ts";

const segments = z.string().regex(/^[^/?#]+(\/[^/?#]+)*$/, "must be names with / between them, without ? or #");

const auth = z.union([
  z.strictObject({ token: z.string().min(1).describe("A token that may read the secrets.") }),
  z.strictObject({
    roleId: z.string().min(1).describe("The id of the AppRole."),
    secretId: z.string().min(1).describe("A secret id of it."),
    mount: segments.default("approle").describe("Path at which AppRole logins are enabled."),
  }),
]);

/** HashiCorp Vault, or OpenBao: values of a KV engine, version 1 or 2. */
export default defineSecretProvider({
  type: "vault",
  options: {
    address: z
      .url({ protocol: /^https?$/ })
      .refine(isPrivate, "must be https, except for this machine")
      .describe("URL of the server; https, except for this machine."),
    namespace: z.string().min(1).optional().describe("The namespace, where the server has them."),
    mount: segments.default("secret").describe("Path at which the KV engine is mounted."),
    version: z
      .union([z.literal(1), z.literal(2)])
      .default(2)
      .describe("Version of the KV engine."),
    auth: auth.describe(
      "How the master logs in: `token`, or `roleId` and `secretId` of an AppRole (`mount` is where that is enabled).",
    ),
    secrets: z
      .record(secretName, z.strictObject({ path: segments, field: z.string().min(1).default("value") }))
      .describe("Path and field (default: value) in the KV engine, by the names of secrets."),
  },
  describe: ({ address }) => `Vault at ${address}`,
  namesOf: ({ secrets }) => Object.keys(secrets),
  start({ clock }, options) {
    const client = new VaultClient(clock, options);
    return {
      async fetch(name, signal) {
        const { path, field } = options.secrets[name] ?? { path: name, field: "value" };
        return client.readField(path, field, signal);
      },
    };
  },
});

function isPrivate(address: string): boolean {
  const { protocol, hostname } = new URL(address);
  return protocol === "https:" || ["127.0.0.1", "[::1]", "localhost"].includes(hostname);
}
