import type { Member, Order, Stall } from "@multimaster/data";
import { call } from "../api/read.ts";
import { ActionButton } from "../components/action-button.tsx";
import { useNow } from "../components/clock.ts";
import { When } from "../components/when.tsx";
import { formatRough } from "../format/time.ts";

/** One master: its roles, what it holds, its health, and its actions. */
export function MemberRow({ member }: { member: Member }) {
  const drain = member.orders.find((order) => order.kind === "drain" && order.role === null && order.ended_at === null);
  return (
    <article class={`member ${drain ? "draining" : member.state}`} aria-label={`Master ${member.name}`}>
      <header>
        <span class="dot" aria-hidden="true" />
        <h3>{member.name}</h3>
        <span class="member-state">{drain ? "draining" : member.state}</span>
        <span class="roles">
          {member.roles.map((role) => (
            <span class="tag" key={role}>
              {role}
            </span>
          ))}
          {member.builder_sets.length > 0 && <span class="quiet">{member.builder_sets.join(", ")}</span>}
        </span>
        <span class="spacer" />
        <MemberActions member={member} drain={drain} />
      </header>
      <dl class="figures">
        <Figure name="builds" value={String(member.builds_running)} />
        <Figure name="workers" value={String(member.workers_attached)} />
        <Figure name="schedulers, sources" value={String(member.singletons_held)} />
        {member.lease_remaining > 0 && <Figure name="lease" value={formatRough(member.lease_remaining)} />}
        {member.release && <Figure name="release" value={member.release} />}
        {member.config_hash && <Figure name="config" value={member.config_hash.slice(0, 8)} />}
        {member.joined_at !== null && (
          <div>
            <dd>
              <When at={member.joined_at} />
            </dd>
            <dt>started</dt>
          </div>
        )}
        {member.host && <Figure name="host" value={`${member.host} · pid ${member.pid}`} />}
      </dl>
      {member.config_warning && <p class="problem">{member.config_warning}</p>}
      {member.failures?.map(({ service, since, cause }) => (
        <p class="problem" key={service}>
          "{service}" has been failing since <When at={since} />: {cause}
        </p>
      ))}
      {member.stalled && member.latest_stall && (
        <p class="problem">Its event loop is blocked now: {culprit(member.latest_stall)}.</p>
      )}
      {!member.stalled && member.worst_stall && (
        <p class="quiet">
          Longest stall of the day {((member.worst_stall.duration_ms ?? 0) / 1000).toFixed(1)} s:{" "}
          {culprit(member.worst_stall)}
        </p>
      )}
      {drain && <DrainProgress order={drain} />}
    </article>
  );
}

function culprit({ steps }: Stall): string {
  return steps.map(({ builder, step }) => `step ${step} of ${builder}`).join(", ") || "no step ran";
}

function Figure({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dd class="num">{value}</dd>
      <dt>{name}</dt>
    </div>
  );
}

function MemberActions({ member, drain }: { member: Member; drain: Order | undefined }) {
  const path = `masters/${member.masterid}` as const;
  if (drain)
    return (
      <span class="buttons">
        <ActionButton kind="small" act={() => call("masters", path, "undrain", {})} title="The master takes work again">
          Cancel the drain
        </ActionButton>
      </span>
    );
  return (
    <span class="buttons">
      {member.config_hash && (
        <ActionButton
          kind="small"
          act={() => call("masters", path, "reconfig", { reason: "from the cluster page", dry_run: true, wait: 30 })}
          title="Show below what the config in the master's files would change; nothing changes"
        >
          Compare config
        </ActionButton>
      )}
      {member.config_hash && (
        <ActionButton
          kind="small"
          act={() => call("masters", path, "reconfig", { reason: "from the cluster page", wait: 30 })}
          confirm="The master loads the config in its files again. If it is right, it takes it over; builds that run and workers stay. Load it?"
          title="Load the config again"
        >
          Reconfigure
        </ActionButton>
      )}
      <ActionButton
        kind="small"
        act={(reason) => call("masters", path, "drain", { reason: reason || "from the cluster page" })}
        asksReason
        confirm="The master finishes its builds, releases everything else to other masters, and stops. Drain it?"
      >
        Drain
      </ActionButton>
    </span>
  );
}

/** The progress of a drain, as the master reports it. */
function DrainProgress({ order }: { order: Order }) {
  const now = useNow();
  const parts: [one: string, many: string, left: number | null, before: number | null][] = [
    ["build", "builds", order.builds_left, order.requests_running],
    ["worker", "workers", order.workers_left, order.workers_before],
    ["scheduler or source", "schedulers and sources", order.singletons_left, order.singletons_before],
  ];
  return (
    <div class="drain">
      {parts.map(([one, many, left, before]) => {
        // A master counts only what its roles hold.
        if (left === null && order.builds_left !== null) return null;
        const all = Math.max(before ?? 0, left ?? 0);
        const done = all === 0 ? 1 : 1 - (left ?? 0) / all;
        return (
          <div key={one} class="drain-part">
            <span>
              {left === null
                ? `${many}: not counted yet`
                : left === 0
                  ? `no ${many} left`
                  : `${left} ${left === 1 ? one : many} left`}
            </span>
            <span class="bar" aria-hidden="true">
              <i style={{ width: `${done * 100}%` }} />
            </span>
          </div>
        );
      })}
      <span class="quiet">
        {order.state === "ordered" ? "ordered" : order.state} <When at={order.began_at ?? order.ordered_at} />
        {order.deadline_at === null
          ? ", takes as long as its builds do"
          : `, builds are released in ${formatRough(order.deadline_at - now)}`}
      </span>
    </div>
  );
}
