/** Builds with much in them: artifacts in directories, items, 300 added steps, two codebases; not all of it for everybody. */
import {
  defineBuilders,
  defineCluster,
  defineScheduling,
  defineUi,
  defineWorkers,
  env,
  envPort,
} from "@multimaster/config";
import directory from "@multimaster/plugins/artifact-stores/directory";
import password from "@multimaster/plugins/auth/password";
import base from "@multimaster/plugins/hooks/base";
import anyBranch from "@multimaster/plugins/schedulers/any-branch";
import force from "@multimaster/plugins/schedulers/force";
import triggerable from "@multimaster/plugins/schedulers/triggerable";
import addSteps from "@multimaster/plugins/steps/add-steps";
import compile from "@multimaster/plugins/steps/compile";
import setProperties from "@multimaster/plugins/steps/set-properties";
import shell from "@multimaster/plugins/steps/shell";
import trigger from "@multimaster/plugins/steps/trigger";
import upload from "@multimaster/plugins/steps/upload";

const state = env("MULTIMASTER_STATE", "state");
const user = { password: env("PASSWORD_HASH", "") };
const names = ["pack", "matrix", "long", "warns", "check"];

export default defineCluster({
  name: "contents",
  database: `sqlite:${state}/contents.sqlite`,
  artifacts: { store: directory({ path: `${state}/artifacts` }) },
  scheduler: async () => ({
    default: defineScheduling({
      schedulers: [
        force({ name: "force", builders: names }),
        triggerable({ name: "items", builders: ["item"] }),
        anyBranch({
          name: "all",
          builders: ["two"],
          codebases: { app: {}, lib: { repository: "https://example.org/lib.git", branch: "main" } },
        }),
      ],
    }),
  }),
  builders: {
    main: async () => ({
      default: defineBuilders({
        builders: [
          {
            name: "pack",
            workers: ["w1"],
            steps: [
              shell({
                name: "make",
                command:
                  "rm -rf dist && mkdir -p dist/doc/api && echo '<h1>guide</h1>' > dist/doc/index.html && echo x > dist/doc/api/x.html && echo program > dist/app",
              }),
              upload({ directory: "dist", prefix: "dist/" }),
            ],
          },
          {
            name: "matrix",
            workers: ["w1"],
            steps: [
              trigger({
                schedulerNames: ["items"],
                maxInFlight: 10,
                items: [
                  { name: "gcc debug" },
                  { name: "clang debug", properties: { fails: true } },
                  { name: "clang package", after: ["clang debug"] },
                  { name: "clang deploy", after: ["clang package"] },
                  { name: "gcc release", properties: { waits: true } },
                  { name: "gcc package", after: ["gcc release"] },
                ],
              }),
            ],
          },
          {
            name: "item",
            workers: ["w1", "w2"],
            steps: [
              shell({
                name: "compile",
                command: (b) =>
                  b.property("fails") === true
                    ? "echo compiling; echo 'price.c:48:31: error: expected ; before return'; exit 1"
                    : b.property("waits") === true
                      ? `until [ -e '${state}/gate' ]; do sleep 0.1; done`
                      : "echo compiled",
              }),
            ],
          },
          {
            name: "long",
            workers: ["w1"],
            steps: [
              addSteps({
                name: "plan",
                steps: Array.from({ length: 300 }, (_, i) =>
                  setProperties({ name: `part ${i + 1}`, properties: { part: i + 1 } }),
                ),
              }),
            ],
          },
          {
            name: "warns",
            workers: ["w1"],
            steps: [
              compile({
                command:
                  "printf 'src/price.c:48:31: warning: unused variable\\nsrc/cart.c:7: warning: implicit declaration\\nlib/old.c:1: warning: old\\n'",
                suppressWarnings: [{ file: "^lib/" }],
              }),
            ],
          },
          {
            name: "two",
            workers: ["w1"],
            steps: [setProperties({ properties: { got_revision: { app: "a".repeat(40), lib: "b".repeat(40) } } })],
          },
          {
            name: "check",
            workers: ["w1"],
            approval: { untrusted: true },
            steps: [shell({ command: ["echo", "checked"] })],
          },
        ],
      }),
    }),
  },
  workers: async () => ({
    default: defineWorkers({
      basedir: `${state}/workers`,
      workers: [
        { name: "w1", local: true, maxBuilds: 4 },
        { name: "w2", local: true },
      ],
    }),
  }),
  ui: async () => ({
    default: defineUi({
      host: "127.0.0.1",
      port: envPort("UI_PORT", 0),
      hooks: [base({ anybody: true })],
      auth: password({ users: { ann: user, bob: user } }),
      authorization: {
        rules: [
          { allow: "read", on: "artifacts", to: ["users"] },
          { allow: "read", on: "*", to: ["anyone"] },
          { allow: ["approve", "reject"], on: "buildrequests", to: ["role:leads"] },
          { allow: "force", on: "forceschedulers", to: ["anyone"] },
        ],
        otherwise: "deny",
        roles: { leads: { usernames: ["user:ann"] } },
      },
    }),
  }),
});
