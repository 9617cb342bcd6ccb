import { defineUi, env, envPort } from "@multimaster/config";

export default defineUi({
  host: env("UI_HOST", "127.0.0.1"),
  port: envPort("UI_PORT", 8010),
  title: "Asymmetric cluster",
});
