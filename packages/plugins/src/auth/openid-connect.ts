import { errors, type User } from "@multimaster/core";
import { z } from "zod";
import { defineAuth } from "../define-auth.ts";
import { webUrl } from "../web-options.ts";
import { startCodeFlow } from "./oauth/code-flow.ts";
import { admitMember, admittedNames, requireOneOf } from "./oauth/membership.ts";

/** The options of every login by a provider. */
export const clientOptions = {
  clientId: z.string().min(1).describe("Id of this client, as registered at the provider."),
  clientSecret: z.string().min(1).describe("Secret of this client; read it from the environment with env(…)."),
};

const options = z.strictObject({
  issuer: webUrl.describe("URL of the provider, below which /.well-known/openid-configuration is found."),
  ...clientOptions,
  name: z.string().default("OpenID Connect").describe("Name of the provider, shown on the login page."),
  icon: z.string().default("fa-sign-in").describe("Font Awesome's name of the icon on the login page."),
  scope: z.string().default("openid profile email").describe("Scopes that are requested."),
  usernameClaim: z.string().default("preferred_username").describe("The claim that is the user's name."),
  groupsClaim: z.string().default("groups").describe("The claim with the user's groups."),
  groups: admittedNames.describe("Only users in one of these groups may log in; absent: any user."),
  domains: admittedNames.describe("Only users with a verified e-mail address in one of these domains may log in."),
  domainClaim: z
    .string()
    .optional()
    .describe("Claim that contains the domain of a user, instead of the e-mail address."),
  users: z
    .enum(["ours", "anyone"])
    .default("anyone")
    .describe(
      "ours: only members of your organisation have an account at this provider; anyone: any person can sign up.",
    ),
  unverifiedEmails: z
    .boolean()
    .default(false)
    .describe("Trust e-mail addresses that the provider has not verified: only if users cannot choose them."),
});

/** Login by any OpenID Connect provider. */
const openIdConnect = defineAuth({
  type: "openid-connect",
  options,
  needs: ["url"],
  admitsAnyone: ({ users, groups, domains, domainClaim }) =>
    users === "ours" || groups || domains
      ? undefined
      : domainClaim === undefined
        ? 'groups, domains or users: "ours"'
        : "domains",
  look: ({ name, icon }) => ({ name, icon }),
  start: (ctx, given) =>
    startCodeFlow(ctx, {
      provider: given.name,
      scope: given.scope,
      isOpenId: true,
      configure: (client) =>
        client.discovery(new URL(given.issuer), given.clientId, given.clientSecret, undefined, {
          // A provider on the same host may not need TLS; the config's author decides that by the URL.
          execute: given.issuer.startsWith("http:") ? [client.allowInsecureRequests] : [],
          timeout: 15,
        }),
      realm: `${given.issuer} ${given.clientId}`,
      async readUser(client, config, { accessToken, claims, subject }) {
        const hasMore = config.serverMetadata().userinfo_endpoint !== undefined && subject !== undefined;
        // In a renewal without a new ID token, user info is the only source of claims, so it must exist.
        if (!hasMore && claims === undefined) throw new Error("the provider has no user info endpoint");
        const more = hasMore ? await client.fetchUserInfo(config, accessToken, subject) : {};
        const all: Readonly<Record<string, unknown>> = { ...more, ...claims };
        const user = admitMember(given.name, "groups", given.groups, readClaims(all, given));
        requireOneOf(given.name, "domains", given.domains, domainOf(all, user, given.domainClaim));
        return { ...user, id: `${given.issuer}#${String(all["sub"])}` };
      },
    }),
});

export default openIdConnect;

type Reading = Pick<z.output<typeof options>, "name" | "usernameClaim" | "groupsClaim" | "unverifiedEmails">;

/** Reads the user from claims. */
export function readClaims(claims: Readonly<Record<string, unknown>>, reading: Reading): User {
  const text = (name: string) => (typeof claims[name] === "string" && claims[name] !== "" ? claims[name] : null);
  const isVerified = claims["email_verified"] === true || reading.unverifiedEmails;
  const email = isVerified ? text("email") : null;
  const groups = claims[reading.groupsClaim];
  const sub = text("sub");
  if (sub === null) throw errors.loginRefused(reading.name, "its answer does not identify you");
  return {
    username: chooseUsername(text(reading.usernameClaim), email, sub),
    email,
    fullName: text("name"),
    groups: Array.isArray(groups) ? groups.filter((group) => typeof group === "string") : [],
  };
}

function domainOf(claims: Readonly<Record<string, unknown>>, { email }: User, claim: string | undefined): string[] {
  const domain = claim === undefined ? email?.slice(email.lastIndexOf("@") + 1) : claims[claim];
  return typeof domain === "string" ? [domain] : [];
}

/** A user name that looks like an e-mail address could imitate another user: it counts only if it is the verified one. */
function chooseUsername(wished: string | null, email: string | null, sub: string): string {
  if (wished === null) return sub;
  return wished.includes("@") && wished !== email ? sub : wished;
}
