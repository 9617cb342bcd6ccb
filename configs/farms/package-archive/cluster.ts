/** An archive of packages: one child build for each that changed, those first that others need. */
import {
  defineBuilders,
  defineCluster,
  defineLock,
  defineScheduling,
  defineUi,
  defineWorkers,
  env,
  envPort,
} from "@multimaster/config";
import { z } from "@multimaster/plugins";
import directory from "@multimaster/plugins/artifact-stores/directory";
import gitPoller from "@multimaster/plugins/change-sources/git-poller";
import mail from "@multimaster/plugins/reporters/mail";
import singleBranch from "@multimaster/plugins/schedulers/single-branch";
import triggerable from "@multimaster/plugins/schedulers/triggerable";
import addSteps from "@multimaster/plugins/steps/add-steps";
import git from "@multimaster/plugins/steps/git";
import shell from "@multimaster/plugins/steps/shell";
import trigger from "@multimaster/plugins/steps/trigger";
import upload from "@multimaster/plugins/steps/upload";

const state = env("MULTIMASTER_STATE", "state");
const repourl = env("REPOSITORY", "https://git.example.org/packages.git");
const archive = defineLock({ name: "archive" });

/** The packages to build with what each of them needs, as the script of the repository lists them. */
const packages = z.record(z.string().regex(/^[\w.+-]{1,40}$/), z.array(z.string()));

export default defineCluster({
  name: "packages",
  url: env("URL", "http://localhost:8010/"),
  database: env("DATABASE_URL", `sqlite:${state}/packages.sqlite`),
  artifacts: { store: directory({ path: `${state}/artifacts` }), keepBuilds: 50 },
  scheduler: async () => ({
    default: defineScheduling({
      changeSources: [gitPoller({ repository: repourl, branches: ["main"], pollInterval: env("POLL_INTERVAL", "1m") })],
      schedulers: [
        singleBranch({ name: "changes", branch: "main", builders: ["archive"], treeStableTimer: env("QUIET", "2m") }),
        triggerable({ name: "package", builders: ["package"] }),
      ],
      reporters: [
        // Who maintains a package is in the output of its build.
        mail({
          name: "maintainers",
          smtp: { host: "127.0.0.1", port: Number(env("SMTP_PORT", "25")), security: "none" },
          from: "Archive <archive@example.org>",
          builders: ["package"],
          modes: ["failing"],
          to: ({ build }) => String(build?.properties["maintainers"] ?? "").split(" "),
        }),
      ],
    }),
  }),
  builders: {
    all: async () => ({
      default: defineBuilders({
        secrets: { "signing-key": env("SIGNING_KEY") },
        builders: [
          {
            name: "archive",
            workers: ["builder-1"],
            steps: [
              git({ repourl }),
              shell({ name: "list", command: ["./list-packages", "packages.json"], haltOnFailure: true }),
              addSteps({
                file: "packages.json",
                // What needs a package is built after it, and not at all if it fails.
                steps: (_build, value) => {
                  const changed = packages.parse(value);
                  const items = Object.entries(changed).map(([name, needs]) => ({
                    name,
                    properties: { package: name },
                    after: needs.filter((other) => Object.hasOwn(changed, other)),
                  }));
                  return [trigger({ name: "packages", schedulerNames: ["package"], items, maxInFlight: 4 })];
                },
              }),
            ],
          },
          {
            name: "package",
            workers: ["builder-2"],
            maxBuilds: 4,
            steps: [
              git({ repourl }),
              shell({
                name: "build",
                command: (build) => ["./build-package", String(build.property("package"))],
                extract: (_rc, stdout) => ({
                  maintainers: [...stdout.matchAll(/^maintainer: (\S+)$/gm)].map(([, address]) => address).join(" "),
                }),
                haltOnFailure: true,
              }),
              upload({ files: "*.package" }),
              shell({
                name: "sign and publish",
                command: (build) => ["./upload-package", String(build.property("package"))],
                env: { SIGNING_KEY: (build) => build.secret("signing-key") },
                locks: [archive.exclusive()],
              }),
            ],
          },
        ],
      }),
    }),
  },
  workers: async () => ({
    default: defineWorkers({
      port: envPort("WORKER_PORT", 9989),
      workers: [
        { name: "builder-1", password: env("BUILDER_1_PASSWORD") },
        { name: "builder-2", password: env("BUILDER_2_PASSWORD") },
      ],
    }),
  }),
  ui: async () => ({ default: defineUi({ host: "127.0.0.1", port: envPort("UI_PORT", 8010), hooks: [] }) }),
});
