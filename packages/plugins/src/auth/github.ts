import { z } from "zod";
import { defineAuth } from "../define-auth.ts";
import { webUrl } from "../web-options.ts";
import { startForgeLogin } from "./oauth/forge.ts";
import { admittedNames, requireOneOf } from "./oauth/membership.ts";
import { clientOptions } from "./openid-connect.ts";

const userAnswer = z.object({ id: z.int().optional(), login: z.string(), name: z.string().nullish() });
const emailsAnswer = z.array(z.object({ email: z.string(), primary: z.boolean(), verified: z.boolean() }));
const named = z.array(z.object({ login: z.string() }));
const teamsAnswer = z.array(z.object({ slug: z.string(), organization: z.object({ login: z.string() }) }));

/** Login by GitHub; groups are the user's organisations and teams, the latter as organisation/team. */
export default defineAuth({
  type: "github",
  options: z.strictObject({
    url: webUrl.default("https://github.com").describe("URL of a GitHub Enterprise Server."),
    ...clientOptions,
    teams: z.boolean().default(true).describe("Includes a user's teams in the groups, as ORGANIZATION/TEAM."),
    organizations: admittedNames.describe("Only their members may log in; absent: anyone with an account."),
  }),
  needs: ["url"],
  admitsAnyone: ({ url, organizations }) =>
    new URL(url).hostname.endsWith("github.com") && !organizations ? "organizations" : undefined,
  look: () => ({ name: "GitHub", icon: "fa-github" }),
  start(ctx, { url, clientId, clientSecret, teams, organizations }) {
    const base = url.replace(/\/+$/, "");
    const api = base === "https://github.com" ? "https://api.github.com" : `${base}/api/v3`;
    return startForgeLogin(ctx, {
      provider: "GitHub",
      issuer: `${base}/login/oauth`,
      authorizeUrl: `${base}/login/oauth/authorize`,
      tokenUrl: `${base}/login/oauth/access_token`,
      scope: "user:email read:org",
      clientId,
      clientSecret,
      async readUser(read) {
        const [user, emails, memberships, inTeams] = await Promise.all([
          read(`${api}/user`, userAnswer),
          read(`${api}/user/emails`, emailsAnswer),
          read(`${api}/user/orgs?per_page=100`, named),
          teams ? read(`${api}/user/teams?per_page=100`, teamsAnswer) : [],
        ]);
        requireOneOf(
          "GitHub",
          "organizations",
          organizations,
          memberships.map(({ login }) => login),
        );
        return {
          ...(user.id === undefined ? {} : { id: String(user.id) }),
          username: user.login,
          email: emails.find(({ primary, verified }) => primary && verified)?.email ?? null,
          fullName: user.name ?? null,
          groups: [
            ...memberships.map(({ login }) => login),
            ...inTeams.map(({ organization, slug }) => `${organization.login}/${slug}`),
          ],
        };
      },
    });
  },
});
