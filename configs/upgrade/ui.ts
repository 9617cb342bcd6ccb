import { defineUi, env, envPort } from "@multimaster/config";
import password from "@multimaster/plugins/auth/password";

// The hash of the password of the user `admin`, made by "master hash-password". A ui that other machines can
// reach does not start without a login.
const hash = env("UI_PASSWORD_HASH");

export default defineUi({
  host: env("UI_HOST", "127.0.0.1"),
  // One ui master on this host, and its successor. Users know the balancer, http://ci.example.org/.
  port: envPort("UI_PORT", "8010-8011"),
  auth: hash === undefined ? undefined : password({ users: { admin: { password: hash } } }),
  // Addresses of the balancers, separated by commas: their headers about the client are trusted.
  trustedProxies: env("TRUSTED_PROXIES")?.split(",") ?? [],
  // Forges and scripts that report changes (docs/webhooks.md), each with a secret: github({ secret: env("GITHUB_SECRET") }), …
  hooks: [],
  title: "Upgrades without a gap",
});
