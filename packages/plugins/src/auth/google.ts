import type { PluginDescriptor } from "@multimaster/config";
import openIdConnect from "./openid-connect.ts";

export interface GoogleOptions {
  readonly clientId: string;
  readonly clientSecret: string;
}

/** Login by Google; the user's name is the e-mail address. */
export default function google(options: GoogleOptions): PluginDescriptor<"auth"> {
  return openIdConnect({
    name: "Google",
    icon: "fa-google",
    issuer: "https://accounts.google.com",
    usernameClaim: "email",
    ...options,
  });
}
