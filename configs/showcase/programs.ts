import { defineLock, Results } from "@multimaster/config";
import compile from "@multimaster/plugins/steps/compile";
import shell from "@multimaster/plugins/steps/shell";

/** Each build that uses it gets a port of its own. */
const ports = defineLock({ name: "ports", resources: ["4001", "4002"], property: "port", keepAfterLoss: "1m" });
/** How much of a worker's memory is taken; the first worker has more. */
const memory = defineLock({ name: "memory", scope: "worker", max: 4, maxOfWorker: { w1: 8 } });

/** How programs run, and what their ends mean. */
export const programSteps = [
  shell({
    name: "surroundings",
    command: 'echo "$GREETING from $PWD"; echo "not kept" >&2; test -z "$LANGUAGE"',
    workdir: "elsewhere",
    env: { GREETING: "hello", LANGUAGE: null },
    wantStderr: false,
    logEnviron: true,
    timeout: "1m",
    description: "greeting",
    descriptionDone: "greeted",
    hideStepIf: (results) => results === Results.SUCCESS,
  }),
  // On buildbot-worker; our own worker has no terminals.
  shell({ name: "terminal", command: "test -t 1 && echo a terminal || echo none", usePTY: true }),
  shell({
    name: "watched",
    command: "for i in 1 2 3; do echo $i; done > progress; echo unseen",
    logfiles: { progress: "progress", tail: { filename: "progress", follow: false } },
    wantStdout: false,
  }),
  shell({
    name: "endless",
    command: "trap 'exit 0' TERM; while :; do echo line; done",
    maxLines: 50,
    interruptSignal: "TERM",
    sigtermTime: "1s",
    flunkOnFailure: false,
  }),
  shell({ name: "odd code", command: "exit 3", decodeRC: { 3: "warnings" }, warnOnWarnings: false }),
  shell({
    name: "with locks",
    command: ["echo", (b) => `port ${b.property("port")}`],
    locks: [ports.counting(), memory.counting(2)],
  }),
];

/** What is a warning, and what of it counts. */
export const warningSteps = [
  shell({ name: "list", command: "echo '^gen/ : ugly : 1-9' > suppressed" }),
  compile({
    command:
      "for i in 1 2 3; do echo 'src/a.c:12:5: warning: unused'; done; for f in old/b.c:7 gen/c.c:5 d.c:3; do echo $f: warning: ugly; done",
    suppressWarnings: [{ file: "^old/" }, { text: "ugly", lines: [1, 4] }],
    suppressionFile: "suppressed",
  }),
  shell({ name: "strict", command: "echo W: one", warningPattern: "^W: ", flunkOnWarnings: true }),
  compile({ name: "too many", command: "echo careful; echo careful", warningPattern: /^careful/, maxWarnings: 1 }),
];
