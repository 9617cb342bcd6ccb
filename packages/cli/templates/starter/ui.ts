/** The REST API and the web pages. */
import { defineUi } from "@multimaster/config";

export default defineUi({
  host: "127.0.0.1",
  // A second ui master of this host takes the next one.
  port: "8010-8013",
  title: "My cluster",
  // Forges and scripts that report changes (docs/webhooks.md), each with a secret: github({ secret: env("GITHUB_SECRET") }), …
  hooks: [],
});
