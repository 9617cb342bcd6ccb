import type { Build, BuildRequest, Buildset, Comparison } from "@multimaster/data";
import { type QueryState, useRows } from "../api/live-query.ts";
import { Person } from "../components/person.tsx";
import { Progress } from "../components/progress.tsx";
import { When } from "../components/when.tsx";
import { estimateOf } from "../format/estimates.ts";
import { useMasterNames, useWorkerNames } from "../format/names.ts";
import { personName, propertyText } from "../format/properties.ts";
import { isBad, standingOf } from "../format/result.ts";
import { formatDuration } from "../format/time.ts";
import { LineActions } from "../notes/line-notes.tsx";
import { BuildSources } from "./build-sources.tsx";

/** What was built, why and where, and how the time was spent. */
export function BuildFacts({
  build,
  request,
  buildset,
  lastGood,
}: {
  build: Build;
  request: BuildRequest | undefined;
  buildset: Buildset | undefined;
  lastGood: QueryState<Comparison>;
}) {
  const workerName = useWorkerNames();
  const masterName = useMasterNames();
  const patch = buildset?.sourcestamps.find((stamp) => stamp.patch !== null)?.patch;
  const owner = propertyText(build.properties, "owner");
  return (
    <dl class="facts of-build">
      <BuildSources build={build} buildset={buildset} />
      {build.kept_by && build.kept_at && (
        <Fact name="Kept">
          by {personName(build.kept_by)}, <When at={build.kept_at} />
          {build.kept_reason && `: ${build.kept_reason}`}
        </Fact>
      )}
      {patch && (
        <Fact name="Patch">
          by <Person author={patch.author} />
        </Fact>
      )}
      {owner && (
        <Fact name="By">
          <Person author={owner} />
        </Fact>
      )}
      <Fact name="Why" isWide>
        {buildset ? <Reason buildset={buildset} /> : "…"}
      </Fact>
      <FailingSince build={build} lastGood={lastGood} />
      {build.workerid !== null && (
        <Fact name="Worker">
          <a href={`/workers/${build.workerid}`}>{workerName(build.workerid)}</a>
        </Fact>
      )}
      <Fact name="Master">
        <a href="/cluster">{masterName(build.masterid)}</a>
      </Fact>
      <Fact name="Started">
        <When at={build.started_at} />
      </Fact>
      <Fact name="Time">
        {build.complete_at === null ? <Running build={build} /> : <Spent build={build} request={request} />}
      </Fact>
    </dl>
  );
}

/** In one place from the beginning: what arrives later must not move what stands below. */
function Reason({ buildset: { reason, parent_buildid: parent, rebuilt_buildid: rebuilt } }: { buildset: Buildset }) {
  return (
    <span class="in-text">
      {reason}
      {parent !== null && (
        <>
          {" · triggered by "}
          <a href={`/builds/${parent}`}>build {parent}</a>
        </>
      )}
      {rebuilt !== null && (
        <>
          {" · again "}
          <a href={`/builds/${rebuilt}`}>build {rebuilt}</a>
        </>
      )}
    </span>
  );
}

/** Since when its branch fails, and the last good build before it. */
function FailingSince({ build, lastGood }: { build: Build; lastGood: QueryState<Comparison> }) {
  const isFailed = build.complete && isBad(standingOf(build));
  const here = `builders/${build.builderid}` as const;
  const failing = useRows("failing", isFailed ? `${here}/failing` : undefined, { newest_buildid: build.buildid }, [
    `${here}/builds/*/finished`,
    "notes/*/*",
  ]);
  if (!isFailed) return null;
  const [line] = failing.rows ?? [];
  const [comparison] = lastGood.rows ?? [];
  return (
    <>
      <Fact name="Failing since" isWide>
        {line ? (
          <>
            <span class="in-text">
              <a href={`/${here}/builds/${line.first_bad_number}`}>#{line.first_bad_number}</a>{" "}
              {line.count > 1 && `${line.count} builds, `}
              <When at={line.since} />
            </span>{" "}
            <LineActions line={line} />
          </>
        ) : failing.rows ? (
          <span class="quiet">another build is the newest of this branch</span>
        ) : (
          "…"
        )}
      </Fact>
      <Fact name="Last good">
        {!lastGood.rows ? (
          "…"
        ) : comparison ? (
          <span class="in-text">
            <a href={`/${here}/builds/${comparison.base.number}`}>#{comparison.base.number}</a>{" "}
            <a href={`/${here}/builds/${build.number}?tab=compare`}>compare</a>
          </span>
        ) : (
          "none on this branch"
        )}
      </Fact>
    </>
  );
}

function Fact({
  name,
  isWide = false,
  children,
}: {
  name: string;
  /** It takes the place of two. */
  isWide?: boolean;
  children: preact.ComponentChildren;
}) {
  return (
    <div class={isWide ? "wide" : undefined}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Running({ build }: { build: Build }) {
  const earlier = useRows("builds", `builders/${build.builderid}/builds`, {
    complete: true,
    order: "-number",
    limit: 20,
  });
  return <Progress from={build.started_at} estimate={estimateOf(earlier.rows ?? [], build.builderid)} />;
}

function Spent({ build, request }: { build: Build; request: BuildRequest | undefined }) {
  const queued = request ? Math.max(0, build.started_at - request.submitted_at) : 0;
  const locks = build.locks_duration_s;
  const ran = Math.max(0, (build.complete_at ?? 0) - build.started_at - locks);
  const all = Math.max(1, queued + locks + ran);
  return (
    <span class="spent">
      <span class="num">
        queued {formatDuration(queued)}
        {locks > 0 && `, locks ${formatDuration(locks)}`}, ran {formatDuration(ran)}
      </span>
      <span class="spent-bar" aria-hidden="true">
        <i class="queued" style={{ width: `${(queued / all) * 100}%` }} />
        <i class="locks" style={{ width: `${(locks / all) * 100}%` }} />
        <i class="ran" style={{ width: `${(ran / all) * 100}%` }} />
      </span>
    </span>
  );
}
