import type { Json } from "@multimaster/core";
import type { BusView, WritesView } from "../../model/define-resource.ts";
import type { Member } from "../members.ts";

export interface Part {
  readonly part: string;
  readonly kind:
    | "database"
    | "disk"
    | "messages"
    | "role"
    | "builders"
    | "configs"
    | "retention"
    | "reports"
    | "problem"
    | "history";
  readonly state: "ok" | "single" | "starting" | "degraded" | "down" | "unknown";
  readonly sentence: string;
  /** What to do about it; absent where nothing is wrong, or the sentence says so already. */
  readonly remedy?: string;
  readonly facts: { readonly [name: string]: Json };
}

type Holder = Pick<Member, "name" | "state" | "roles" | "builder_sets">;

/** What stops with the last master of a role. */
const consequences: Readonly<Record<string, string>> = {
  "builder-engine": "nothing is built",
  scheduler: "changes and times start no builds",
  ui: "no page and no hook is answered",
};

const carriers: Readonly<Record<BusView["kind"], string>> = {
  wamp: "the message router",
  postgres: "PostgreSQL's notifications",
};

/** How masters notify each other. */
export function judgeBus(bus: BusView | undefined, masters: number): Part {
  const base = { part: "messages", kind: "messages" } as const;
  if (bus === undefined)
    return { ...base, state: "unknown", sentence: "This master does not say how messages flow.", facts: {} };
  const facts = { bus: bus.kind, degraded_since: bus.degradedSince };
  const carrier = carriers[bus.kind];
  if (carrier === undefined)
    return masters > 1
      ? {
          ...base,
          state: "degraded",
          sentence: "Masters cannot notify each other: each finds what others did when it next reads the rows.",
          remedy: "Name a crossbar.io router in the config, or set bus.notify.",
          facts,
        }
      : { ...base, state: "ok", sentence: "One master, which notifies itself.", facts };
  if (bus.state === "degraded")
    return {
      ...base,
      state: "degraded",
      sentence: `Messages do not flow by ${carrier}: everything goes on, a little later, by reading the rows.`,
      remedy:
        bus.kind === "wamp"
          ? 'See whether the router runs and lets this master in; "master doctor" tries it.'
          : 'See whether the database takes connections; "master doctor" tries it.',
      facts,
    };
  return { ...base, state: "ok", sentence: `Messages flow by ${carrier}.`, facts };
}

export function judgeRole(role: string, own: readonly Holder[], hasForeign: boolean): Part {
  const holders = own.filter((member) => member.roles.includes(role));
  const base = {
    part: `role ${role}`,
    kind: "role",
    facts: { role, masters: holders.map(({ name }) => name) },
  } as const;
  const consequence = consequences[role] ?? "its work waits";
  if (holders.length === 0)
    return hasForeign
      ? {
          ...base,
          state: "unknown",
          sentence: `No master of ours has the role ${role}; what Buildbot's masters do is not known.`,
        }
      : {
          ...base,
          state: "down",
          sentence: `No live master has the role ${role}: ${consequence}.`,
          remedy: `Start one: master start --role ${role}`,
        };
  return judgeHolders(base, holders, `has the role ${role}`, consequence);
}

/** The builders of one set of the config: which engines run them. */
export function judgeSet(set: string, own: readonly Holder[]): Part {
  const holders = own.filter((member) => member.builder_sets.includes(set));
  const base = {
    part: `builders ${set}`,
    kind: "builders",
    facts: { set, masters: holders.map(({ name }) => name) },
  } as const;
  return judgeHolders(base, holders, `builds the set ${set}`, "nothing of it is built");
}

function judgeHolders(
  base: Pick<Part, "part" | "kind" | "facts">,
  holders: readonly Holder[],
  does: string,
  consequence: string,
): Part {
  const running = holders.filter(({ state }) => state === "running").map(({ name }) => name);
  const others = holders.filter(({ state }) => state !== "running").map(({ name, state }) => `${name} is ${state}`);
  if (running.length === 0)
    return {
      ...base,
      state: "starting",
      sentence: `No running master ${does}: ${others.join(", ")}.`,
      remedy: "One that stays so for minutes says in its log what it waits for.",
    };
  const [only] = running;
  if (running.length === 1)
    return {
      ...base,
      state: "single",
      sentence: `Only ${only} ${does}: while it is replaced, ${consequence}.${others.length > 0 ? ` ${others.join(", ")}.` : ""}`,
    };
  return { ...base, state: "ok", sentence: `${running.length} masters: ${running.join(", ")}.` };
}

/** Whether the database takes what masters write. */
export function judgeDatabase(engine: "postgresql" | "sqlite", refusal: WritesView["refusal"]): Part {
  const base = { part: "database", kind: "database" } as const;
  const name = engine === "postgresql" ? "PostgreSQL" : "SQLite";
  if (!refusal) return { ...base, state: "ok", sentence: `${name} answers.`, facts: { engine } };
  return {
    ...base,
    state: "degraded",
    sentence: `${name} answers, but takes no writes: ${refusal.reason}. Running builds wait, and nothing new is accepted.`,
    remedy:
      'Make room on its disk, or name the primary in the config; "master doctor" says more. Everything goes on by itself then.',
    facts: { engine, since: Math.floor(refusal.since / 1000) },
  };
}

/** Whether all masters of a role run the same config. */
export function judgeConfigs(own: readonly Pick<Member, "config_hash" | "config_warning">[]): Part {
  const hashes = [...new Set(own.flatMap(({ config_hash }) => config_hash ?? []))].sort();
  const base = { part: "configs", kind: "configs", facts: { hashes } } as const;
  const [warning, ...more] = new Set(own.flatMap(({ config_warning }) => config_warning ?? []));
  if (warning !== undefined)
    return {
      ...base,
      state: "degraded",
      sentence: [warning, ...more].join(" "),
      remedy: "Bring the same files to all hosts, then: master reconfig --all",
    };
  const several = `Masters run ${hashes.length} configs: of different roles, or for a few minutes only.`;
  return { ...base, state: "ok", sentence: hashes.length > 1 ? several : "All masters run the same config." };
}

/** Whether what fails is known of all builds, or only of the newer ones. */
export function judgeHistory(below: number, newest: number): Part {
  const base = { part: "history", kind: "history", facts: { below, newest } } as const;
  if (below <= 1) return { ...base, state: "ok", sentence: "All builds were read for what fails." };
  return {
    ...base,
    state: "starting",
    sentence: `Builds before build ${below} are still being read: what failed only there is not shown yet, nor when it passed last.`,
  };
}
