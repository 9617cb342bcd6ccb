import type { Member, StandingPart } from "@multimaster/data";

const columns = [
  { role: "ui", title: "UIs" },
  { role: "scheduler", title: "Schedulers" },
  { role: "builder-engine", title: "Engines" },
] as const;

/** Which masters have which role; they are connected by the database and the router only. */
export function ClusterDiagram({ members, parts }: { members: readonly Member[]; parts: readonly StandingPart[] }) {
  if (!members.some(({ roles }) => roles.length > 0)) return null;
  return (
    <section class="diagram" aria-label="Masters by role">
      {columns.map(({ role, title }) => {
        const holders = members.filter(({ roles }) => roles.includes(role));
        return (
          <div class="diagram-role" key={role}>
            <h3>{title}</h3>
            {holders.map(({ masterid, name, state, stalled }) => (
              <span class={`node ${stalled ? "stalled" : state}`} key={masterid}>
                <span class="dot" aria-hidden="true" />
                <span class="cut">{name}</span>
                {state !== "running" && <span class="quiet">{state}</span>}
              </span>
            ))}
            {holders.length === 0 && <span class="node missing">no master</span>}
          </div>
        );
      })}
      <div class="diagram-base">
        {parts
          .filter(({ kind }) => kind === "database" || kind === "messages")
          .map(({ part, state, facts, sentence }) => (
            <span class={`base-part ${state}`} key={part} title={sentence}>
              <span class="dot" aria-hidden="true" />
              {baseName(facts)}
              {state !== "ok" && <span class="quiet"> {state}</span>}
            </span>
          ))}
      </div>
    </section>
  );
}

const carriers: Readonly<Record<string, string>> = {
  sqlite: "SQLite",
  postgresql: "PostgreSQL",
  wamp: "message router",
  postgres: "notifications of PostgreSQL",
};

/** What the cluster really has: it may run without a router. */
function baseName(facts: StandingPart["facts"]): string {
  const { engine, bus } = (facts ?? {}) as { engine?: string; bus?: string };
  return carriers[engine ?? bus ?? ""] ?? "one process, no router";
}
