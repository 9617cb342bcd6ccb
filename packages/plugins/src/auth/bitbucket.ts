import { z } from "zod";
import { defineAuth } from "../define-auth.ts";
import { webUrl } from "../web-options.ts";
import { startForgeLogin } from "./oauth/forge.ts";
import { admitMember, admittedNames } from "./oauth/membership.ts";
import { clientOptions } from "./openid-connect.ts";

const userAnswer = z.object({ uuid: z.string().optional(), username: z.string(), display_name: z.string().nullish() });
const emailsAnswer = z.object({
  values: z.array(z.object({ email: z.string(), is_primary: z.boolean(), is_confirmed: z.boolean() })),
});
const workspacesAnswer = z.object({ values: z.array(z.object({ slug: z.string() })) });

/** Login by Bitbucket Cloud; groups are the user's workspaces. */
export default defineAuth({
  type: "bitbucket",
  options: z.strictObject({
    url: webUrl.default("https://bitbucket.org").describe("URL where users log in."),
    apiUrl: webUrl.default("https://api.bitbucket.org").describe("URL of the API that identifies the user."),
    ...clientOptions,
    workspaces: admittedNames.describe("Only their members may log in; absent: anyone with an account."),
  }),
  needs: ["url"],
  admitsAnyone: ({ workspaces }) => (workspaces ? undefined : "workspaces"),
  look: () => ({ name: "Bitbucket", icon: "fa-bitbucket" }),
  start(ctx, { url, apiUrl, clientId, clientSecret, workspaces }) {
    const base = url.replace(/\/+$/, "");
    const api = apiUrl.replace(/\/+$/, "");
    return startForgeLogin(ctx, {
      provider: "Bitbucket",
      issuer: base,
      authorizeUrl: `${base}/site/oauth2/authorize`,
      tokenUrl: `${base}/site/oauth2/access_token`,
      scope: "account email",
      clientId,
      clientSecret,
      async readUser(read) {
        const [user, emails, memberships] = await Promise.all([
          read(`${api}/2.0/user`, userAnswer),
          read(`${api}/2.0/user/emails`, emailsAnswer),
          read(`${api}/2.0/workspaces?role=member&pagelen=100`, workspacesAnswer),
        ]);
        return admitMember("Bitbucket", "workspaces", workspaces, {
          ...(user.uuid === undefined ? {} : { id: user.uuid }),
          username: user.username,
          email: emails.values.find((each) => each.is_primary && each.is_confirmed)?.email ?? null,
          fullName: user.display_name ?? null,
          groups: memberships.values.map(({ slug }) => slug),
        });
      },
    });
  },
});
