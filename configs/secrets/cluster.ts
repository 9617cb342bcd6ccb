/** Secrets from places outside the config (docs/secrets.md): one builder that deploys, and one that may not use any of them. */
import {
  defineBuilders,
  defineCluster,
  defineScheduling,
  defineUi,
  defineWorkers,
  env,
  envPort,
  secret,
} from "@multimaster/config";
import force from "@multimaster/plugins/schedulers/force";
import command from "@multimaster/plugins/secrets/command";
import directory from "@multimaster/plugins/secrets/directory";
import environment from "@multimaster/plugins/secrets/environment";
import vault from "@multimaster/plugins/secrets/vault";
import shell from "@multimaster/plugins/steps/shell";

const state = env("MULTIMASTER_STATE", "state");
const builders = ["deploy"];

export default defineCluster({
  name: "secrets",
  database: env("DATABASE_URL", `sqlite:${state}/secrets.sqlite`),
  scheduler: async () => ({
    default: defineScheduling({ schedulers: [force({ name: "force", builders: ["deploy", "test"] })] }),
  }),
  builders: {
    main: async () => ({
      default: defineBuilders({
        secretProviders: [
          // Files that systemd, Kubernetes or an operator put there, mode 0600.
          directory({ path: "secrets", secrets: ["signing-key"], builders }),
          environment({ secrets: { "chat-token": "CHAT_TOKEN" }, builders }),
          vault({
            address: env("VAULT_ADDR", "https://vault.example.org"),
            auth: { roleId: env("VAULT_ROLE_ID", "role"), secretId: env("VAULT_SECRET_ID") ?? "unset" },
            secrets: { "deploy-token": { path: "ci/deploy", field: "token" } },
            builders,
          }),
          // The first line of what pass prints is the password.
          command({
            command: ["pass", "show", "{}"],
            firstLine: true,
            secrets: { "ftp-password": "ci/ftp" },
            builders,
          }),
        ],
        builders: [
          {
            name: "deploy",
            workers: ["w1"],
            steps: [
              shell({ command: "make sign", env: { KEY: secret("signing-key") } }),
              shell({
                command: "make deploy",
                env: { DEPLOY_TOKEN: secret("deploy-token"), FTP_PASSWORD: secret("ftp-password") },
              }),
              shell({ command: "make announce", env: { CHAT_TOKEN: secret("chat-token") } }),
            ],
          },
          { name: "test", workers: ["w1"], steps: [shell({ command: "make test" })] },
        ],
      }),
    }),
  },
  workers: async () => ({
    default: defineWorkers({ basedir: `${state}/workers`, workers: [{ name: "w1", local: true }] }),
  }),
  ui: async () => ({ default: defineUi({ port: envPort("UI_PORT", 8010), title: "Secrets", hooks: [] }) }),
});
