import type { PluginDescriptor } from "@multimaster/config";
import openIdConnect from "./openid-connect.ts";

export interface GitLabOptions {
  /** URL of GitLab; gitlab.com by default. */
  readonly url?: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Paths of groups; only their members may log in. Absent: anyone with an account. */
  readonly groups?: string[];
}

/** Login by GitLab; groups are the paths of the user's groups. */
export default function gitlab({ url = "https://gitlab.com", ...rest }: GitLabOptions): PluginDescriptor<"auth"> {
  return openIdConnect({
    name: "GitLab",
    icon: "fa-gitlab",
    issuer: url.replace(/\/+$/, ""),
    usernameClaim: "nickname",
    users: /(^|\.)gitlab\.com$/.test(new URL(url).hostname) ? "anyone" : "ours",
    ...rest,
  });
}
