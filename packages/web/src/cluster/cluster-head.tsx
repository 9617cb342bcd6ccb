import type { Cluster, Member, StandingPart } from "@multimaster/data";
import { type ClusterWord, wordOf } from "./cluster-word.ts";

/** One sentence on the state of the cluster: is it healthy, and may it be upgraded now? */
export function ClusterHead({
  state,
  members,
  parts,
}: {
  state: Cluster | undefined;
  members: readonly Member[];
  parts: readonly StandingPart[] | undefined;
}) {
  const draining = members.filter((member) => member.state === "draining").length;
  const word = wordOf(state, parts, draining);
  const sum = (of: (member: Member) => number) => members.reduce((total, member) => total + of(member), 0);
  const figures: (readonly [string, number | string])[] = [
    ["masters", state?.masters_alive ?? members.length],
    ["builds", state?.builds_running ?? sum((member) => member.builds_running)],
    ["workers", state?.workers_attached ?? sum((member) => member.workers_attached)],
    ...(state ? ([["waiting", state.requests_waiting]] as const) : []),
    ...(state ? ([["data version", state.data_version]] as const) : []),
    ...(state && state.releases.length > 0 ? ([["release", state.releases.join(", ")]] as const) : []),
  ];
  return (
    <section class={`cluster-head ${word}`} aria-label="State of the cluster">
      <div class="cluster-word">
        <span class="dot" aria-hidden="true" />
        <strong>{word}</strong>
        <span>{sentence(word, draining, members.length, parts ?? [])}</span>
      </div>
      <dl class="figures">
        {figures.map(([name, value]) => (
          <div key={name}>
            <dd class="num">{value}</dd>
            <dt>{name}</dt>
          </div>
        ))}
      </dl>
      {state && state.problems.length > 0 && (
        <ul class="problems">
          {state.problems.map(({ kind, sentence: text }) => (
            <li key={kind + text}>{text}</li>
          ))}
        </ul>
      )}
    </section>
  );
}

function sentence(word: ClusterWord, draining: number, count: number, parts: readonly StandingPart[]): string {
  if (word === "unknown") return "Not all parts of the cluster have been read.";
  if (word === "starting") return "Some parts are starting.";
  if (word === "degraded") return "Something needs attention before you upgrade.";
  if (draining > 0) return `${draining} of ${count} masters draining.`;
  if (word === "upgrading") return "Masters of several releases are running.";
  if (count <= 1) return "Everything runs on one master: requests fail while it is replaced.";
  const [single, ...others] = parts.filter((part) => part.state === "single");
  if (single === undefined) return "Everything runs; an upgrade can start now.";
  return `Everything runs. ${single.sentence}${others.length > 0 ? ` And ${others.length} more of which there is one: see below.` : ""}`;
}
