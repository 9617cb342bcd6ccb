import type { Member } from "@multimaster/data";

const columns = [
  { role: "ui", title: "UIs" },
  { role: "scheduler", title: "Schedulers" },
  { role: "builder-engine", title: "Engines" },
] as const;

/** Which masters have which role; they are connected by the database and the router only. */
export function ClusterDiagram({ members }: { members: readonly Member[] }) {
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
      <div class="diagram-base">database · router</div>
    </section>
  );
}
