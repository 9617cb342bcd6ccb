/** The REST API and the web pages. */
import { defineUi, env } from "@multimaster/config";
import password from "@multimaster/plugins/auth/password";

// The hash of the password of the user `admin`, made by "master hash-password". A ui that other machines can reach
// (UI_HOST=0.0.0.0) does not start without a login.
const hash = env("UI_PASSWORD_HASH");

export default defineUi({
  host: env("UI_HOST", "127.0.0.1"),
  // A second ui master of this host takes the next one.
  port: "8010-8013",
  title: "My cluster",
  auth: hash === undefined ? undefined : password({ users: { admin: { password: hash } } }),
  // Forges and scripts that report changes (docs/webhooks.md), each with a secret: github({ secret: env("GITHUB_SECRET") }), …
  hooks: [],
});
