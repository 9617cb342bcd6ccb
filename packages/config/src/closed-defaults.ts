import { isLoopback } from "./networks.ts";
import type { PluginDescriptor } from "./plugin.ts";
import { namesIn, templateIn } from "./renderable.ts";
import type { LoadedParts } from "./slice-warnings.ts";
import type { BuildersSliceInput } from "./slices/builders.ts";

/** A default that this release closes, and that no other part of the config mentions. */
interface ClosedDefault {
  /** The behaviour that is now closed. */
  readonly closed: string;
  /** The line of the config that opens it again. */
  readonly opens: string;
  /** Nothing reports it at run time; for the others a log, a state or an answer names the option. */
  readonly isSilent: boolean;
  /** The number of places where it affects this config and the config sets no option for it. */
  count(parts: LoadedParts): number;
}

type BuilderInput = BuildersSliceInput["builders"][number];
type StepOptions = Readonly<Record<string, unknown>>;

/** In the order of the table in docs/upgrade.md, which lists each (test/integration/deploy/closed-defaults.test.ts). */
export const closedDefaults: readonly ClosedDefault[] = [
  {
    closed: "the ui answers only requests for the host of url, localhost and IP addresses",
    opens: 'allowedHosts: ["ci-internal.example.org"]',
    isSilent: false,
    count: ({ shared, ui }) =>
      Number(ui !== undefined && !isLoopback(ui.slice.host) && shared.given.allowedHosts === undefined),
  },
  {
    closed: "requests that Buildbot masters send by a message alone are not carried out",
    opens: "bus: { believeControl: true }",
    isSilent: true,
    count: ({ shared }) =>
      Number(shared.slice.bus.router !== undefined && shared.given.bus?.believeControl === undefined),
  },
  {
    closed:
      "an address has at most 50 event listeners, and all behind a proxy that trustedProxies does not name count as one",
    opens: "listenersPerAddress: 1000",
    isSilent: false,
    count: ({ ui }) =>
      Number(
        ui !== undefined &&
          !isLoopback(ui.slice.host) &&
          ui.slice.trustedProxies.length === 0 &&
          ui.given.listenersPerAddress === undefined,
      ),
  },
  {
    closed: "/metrics on the worker port is for programs of the same machine",
    opens: "openMetrics: true",
    isSilent: false,
    count: ({ workers }) =>
      Number(
        workers !== undefined &&
          !isLoopback(workers.slice.host) &&
          workers.slice.workers.some(({ local }) => !local) &&
          workers.given.openMetrics === undefined,
      ),
  },
  {
    closed: "commands of local workers get PATH, HOME and the like, not the master's whole environment",
    opens: 'passEnvironment: ["NAME"]',
    isSilent: true,
    count: ({ workers }) =>
      workers === undefined || workers.given.passEnvironment !== undefined
        ? 0
        : workers.slice.workers.filter(({ local }) => local).length,
  },
  {
    closed: "a build that runs for more than a day is stopped and fails",
    opens: "maxTime: null",
    isSilent: false,
    count: (parts) => countBuilders(parts, ({ maxTime }) => maxTime === undefined),
  },
  {
    closed: "of a log, 100 MiB and its end are kept",
    opens: "logMaxSize: null",
    isSilent: false,
    count: (parts) => countBuilders(parts, ({ logMaxSize }) => logMaxSize === undefined),
  },
  {
    closed: "builds of a fork's code get no secrets",
    opens: 'secretsForForks: ["name"]',
    isSilent: false,
    count: ({ builders }) =>
      sum([...builders.values()], ({ given }) =>
        Object.keys(given.secrets ?? {}).length === 0
          ? 0
          : given.builders.filter(({ secretsForForks }) => secretsForForks === undefined).length,
      ),
  },
  {
    closed: "git refuses a revision that is not on the branch which the build is of",
    opens: "revisionMustBeOnBranch: false",
    isSilent: false,
    count: (parts) => countSteps(parts, "git", (options) => options["revisionMustBeOnBranch"] === undefined),
  },
  {
    closed: "values that interpolate puts into the text of a command are quoted",
    opens: `command: interpolate("make \${raw:targets}")`,
    isSilent: true,
    count: (parts) => countSteps(parts, "shell", ({ command }) => hasProperty(command)),
  },
  {
    closed: "the environment of a command is not in its log",
    opens: "logEnviron: true",
    isSilent: true,
    count: (parts) => countSteps(parts, "shell", (options) => options["logEnviron"] === undefined),
  },
  {
    closed: "a junit step that finds no test fails",
    opens: 'onNoFiles: "success"',
    isSilent: false,
    count: (parts) => countSteps(parts, "junit", (options) => options["onNoFiles"] === undefined),
  },
];

/**
 * The closed defaults for which this config sets no option, one line each. On one machine with local workers, only the
 * silent ones: the user there sees the others when they take effect.
 */
export function listClosedDefaults(parts: LoadedParts): string[] {
  const isSmall = isOneMachine(parts);
  return closedDefaults.flatMap(({ closed, opens, isSilent, count }) => {
    const places = isSmall && !isSilent ? 0 : count(parts);
    if (places === 0) return [];
    return [`${closed} (${places === 1 ? "1 place" : `${places} places`}); ${opens} opens it`];
  });
}

function isOneMachine({ shared, workers, ui }: LoadedParts): boolean {
  const isEmbedded = shared.slice.database.startsWith("sqlite:");
  const isLocal = workers === undefined || workers.slice.workers.every(({ local }) => local);
  return isEmbedded && isLocal && (ui === undefined || isLoopback(ui.slice.host));
}

function countBuilders({ builders }: LoadedParts, matters: (builder: BuilderInput) => boolean): number {
  return sum([...builders.values()], ({ given }) => given.builders.filter(matters).length);
}

function countSteps(parts: LoadedParts, type: string, matters: (options: StepOptions) => boolean): number {
  const builders = [...parts.builders.values()].flatMap(({ given }) => given.builders);
  return sum(builders, ({ steps }) => {
    const own = (steps as readonly PluginDescriptor<"step">[]).filter(({ plugin }) => plugin.type === type);
    return own.filter(({ options }) => matters(options as StepOptions)).length;
  });
}

function hasProperty(command: unknown): boolean {
  return namesIn(templateIn(command) ?? "").some(({ kind }) => kind === "property");
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
