/** A build of many steps, whose logs have what a log viewer must know: sections, long lines, addresses, standard error. */
import { defineBuilders, defineCluster, defineScheduling, defineUi, defineWorkers, env } from "@multimaster/config";
import force from "@multimaster/plugins/schedulers/force";
import shell from "@multimaster/plugins/steps/shell";

const state = env("MULTIMASTER_STATE", "state");
const log = `
echo '::group::Install'
echo 'npm warn needle in the hay' >&2
echo '::endgroup::'
sleep 2
echo 'section_start:100:prepare[collapsed=true]'
echo 'Prepare it'
for i in 1 2 3 4 5; do echo "prepared $i"; done
echo 'section_end:107:prepare'
echo 'see https://example.org/guide.'
i=0; while [ $i -lt 300 ]; do i=$((i+1)); printf 'row %s %0500d\\n' $i 0; done
printf 'far %0900d needle\\n' 0
printf 'evil %02000d!\\n' 0 | tr 0 a
exit 1
`;

export default defineCluster({
  name: "log-viewer",
  database: `sqlite:${state}/logs.sqlite`,
  scheduler: async () => ({
    default: defineScheduling({ schedulers: [force({ name: "force", builders: ["many"] })] }),
  }),
  builders: {
    main: async () => ({
      default: defineBuilders({
        builders: [
          {
            name: "many",
            workers: ["w1"],
            steps: [
              ...Array.from({ length: 30 }, (_, i) => shell({ name: `part ${i + 1}`, command: "echo a needle, too" })),
              shell({ name: "report", command: log }),
            ],
          },
        ],
      }),
    }),
  },
  workers: async () => ({
    default: defineWorkers({ port: 0, basedir: `${state}/workers`, workers: [{ name: "w1", local: true }] }),
  }),
  ui: async () => ({ default: defineUi({ port: Number(env("UI_PORT", "0")) }) }),
});
