import { defineUi, env, envPort } from "@multimaster/config";

export default defineUi({
  host: env("UI_HOST", "127.0.0.1"),
  // One ui master on this host, and its successor. Users know the balancer, http://ci.example.org/.
  port: envPort("UI_PORT", "8010-8011"),
  title: "Upgrades without a gap",
});
