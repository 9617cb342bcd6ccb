import type { StandingPart } from "@multimaster/data";
import { Panel } from "../components/page.tsx";
import { ResultToken } from "../components/result-token.tsx";
import type { Standing } from "../format/result.ts";

const standings: Readonly<Record<string, Standing>> = {
  ok: "success",
  single: "warnings",
  starting: "running",
  degraded: "failure",
  down: "exception",
  unknown: "skipped",
};

const words: Readonly<Record<string, string>> = { single: "only one" };

/** Each part of the cluster with its state, and what to do about it; what needs attention comes first. */
export function HealthByPart({ parts }: { parts: readonly StandingPart[] }) {
  const rank = ({ state }: StandingPart) => ["down", "degraded", "unknown", "starting", "single", "ok"].indexOf(state);
  return (
    <Panel title="Health by part" note={`${parts.filter(({ state }) => state === "ok").length} of ${parts.length} ok`}>
      <ul class="list health-parts">
        {[...parts]
          .sort((a, b) => rank(a) - rank(b))
          .map(({ part, kind, state, sentence, remedy }) => (
            <li key={part} data-row>
              <ResultToken standing={standings[state] ?? "skipped"} label={words[state] ?? state} />
              <strong class="part-name cut">{kind === "problem" ? "problem" : part}</strong>
              <span class="grow">
                {sentence}
                {remedy && <div class="quiet">{remedy}</div>}
              </span>
            </li>
          ))}
      </ul>
    </Panel>
  );
}
