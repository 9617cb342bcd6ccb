import type { Build } from "@multimaster/data";
import { useRows } from "../api/live-query.ts";
import { Choice } from "../components/choice.tsx";
import { useNow } from "../components/clock.ts";
import { Empty, Page, Rows } from "../components/page.tsx";
import { useBuilderNames, useWorkerNames } from "../format/names.ts";
import { standingOf } from "../format/result.ts";
import { formatDuration, formatRough } from "../format/time.ts";
import { roundMarks } from "../format/time-axis.ts";
import { navigate, usePlace, withQuery } from "../router.ts";

const spans = { "15 min": 900, "1 h": 3600, "6 h": 6 * 3600, "24 h": 24 * 3600, "7 days": 7 * 24 * 3600 } as const;

/** Builds on a time axis: a lane for each builder, or for each worker. */
export function TimelinePage() {
  const place = usePlace();
  const now = useNow(5_000);
  const builds = useRows("builds", "builds", { order: "-buildid", limit: 500 }, ["builds/*/*"]);
  const builderName = useBuilderNames();
  const workerName = useWorkerNames();
  const by = place.query.get("by") === "worker" ? "worker" : "builder";
  const chosen = place.query.get("span") ?? "";
  const span = spans[chosen as keyof typeof spans] ?? fittingSpan(builds.rows ?? [], now);
  const from = now - span;
  return (
    <Page title="Timeline">
      <div class="filters">
        <Choice
          label="Lanes"
          value={by}
          options={[
            ["builder", "builders"],
            ["worker", "workers"],
          ]}
          onChoose={(value) => navigate(withQuery(place, { by: value }))}
        />
        <Choice
          label="Last"
          value={Object.entries(spans).find(([, seconds]) => seconds === span)?.[0]}
          options={Object.keys(spans)}
          onChoose={(value) => navigate(withQuery(place, { span: value }))}
        />
      </div>
      <Rows of={builds} empty="No builds yet.">
        {(rows) => {
          const lanes = arrange(
            rows,
            from,
            by === "worker" ? (b) => workerName(b.workerid) : (b) => builderName(b.builderid),
          );
          if (lanes.length === 0) return <Empty>Nothing was built in the last {formatRough(span)}.</Empty>;
          return (
            <div class="timeline">
              <TimeAxis from={from} span={span} />
              {lanes.map(([name, own]) => (
                <div class="lane" key={name} data-row>
                  <span class="lane-name cut">{name}</span>
                  <div class="lane-bars">
                    {own.map((build) => (
                      <Bar
                        key={build.buildid}
                        build={build}
                        name={builderName(build.builderid)}
                        {...{ from, span, now }}
                      />
                    ))}
                  </div>
                </div>
              ))}
            </div>
          );
        }}
      </Rows>
    </Page>
  );
}

const timeFormat = { hour: "2-digit", minute: "2-digit" } as const;
const dayFormat = { weekday: "short", day: "numeric" } as const;

function TimeAxis({ from, span }: { from: number; span: number }) {
  return (
    <div class="time-axis" aria-hidden="true">
      {roundMarks(from, span, -60 * new Date(from * 1000).getTimezoneOffset()).map(({ at, part }) => (
        <span key={at} style={{ left: `${part * 100}%` }}>
          {new Date(at * 1000).toLocaleString(undefined, span > 2 * 24 * 3600 ? dayFormat : timeFormat)}
        </span>
      ))}
      <span class="now">now</span>
    </div>
  );
}

/** One build in its lane. */
function Bar({
  build,
  name,
  from,
  span,
  now,
}: {
  build: Build;
  name: string;
  from: number;
  span: number;
  now: number;
}) {
  const start = Math.max(build.started_at, from);
  const end = build.complete_at ?? now;
  const label = `${name} #${build.number} ${standingOf(build)}, ${formatDuration(end - build.started_at)}`;
  return (
    <a
      class={standingOf(build)}
      href={`/builders/${build.builderid}/builds/${build.number}`}
      title={label}
      style={{
        left: `${((start - from) / span) * 100}%`,
        width: `max(3px, ${((end - start) / span) * 100}%)`,
      }}
    >
      <span class="sr-only">{label}</span>
    </a>
  );
}

/** The shortest span that shows a few dozen builds. */
function fittingSpan(builds: readonly Build[], now: number): number {
  const oldest = builds[Math.min(builds.length, 40) - 1]?.started_at ?? now;
  return Object.values(spans).find((seconds) => now - oldest < seconds) ?? spans["7 days"];
}

function arrange(builds: readonly Build[], from: number, nameOf: (build: Build) => string): [string, Build[]][] {
  const lanes = new Map<string, Build[]>();
  for (const build of builds) {
    if ((build.complete_at ?? Number.POSITIVE_INFINITY) < from) continue;
    const name = nameOf(build);
    lanes.set(name, [...(lanes.get(name) ?? []), build]);
  }
  return [...lanes].sort(([a], [b]) => a.localeCompare(b));
}
