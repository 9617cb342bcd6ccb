import type { Build, Step } from "@multimaster/data";
import { useMemo } from "preact/hooks";
import { useRow, useRows } from "../api/live-query.ts";
import { BuildActions } from "../build/build-actions.tsx";
import { BuildFacts } from "../build/build-facts.tsx";
import { BuildTabs, type Tab } from "../build/build-tabs.tsx";
import { StepList } from "../build/step-list.tsx";
import { StepLogs } from "../build/step-logs.tsx";
import { Icon } from "../components/icon.tsx";
import { Failure, Page, Skeleton } from "../components/page.tsx";
import { ResultToken } from "../components/result-token.tsx";
import { useBuilderNames } from "../format/names.ts";
import { isBad, standingOf, verbs } from "../format/result.ts";
import { formatDuration } from "../format/time.ts";
import { BuildNotes, CommentButton } from "../notes/build-notes.tsx";
import { navigate, usePlace } from "../router.ts";
import { useKeys } from "../shell/keys.ts";
import { NotFoundPage } from "./not-found.tsx";

/** Why did the build fail, or how far is it? Shows the steps beside the log of the step that answers this. */
export function BuildPage({ params }: { params: Readonly<Record<string, string>> }) {
  const { builder = "", number = "" } = params;
  const path = `builders/${encodeURIComponent(builder)}/builds/${encodeURIComponent(number)}` as const;
  const { row: build, error } = useRow("builds", path, { property: "*" }, [
    `builders/${Number(builder) || "*"}/builds/${Number(number)}/*`,
  ]);
  if (error?.status === 404) return <NoBuild builder={builder} number={number} />;
  if (!build) return <Page title="Build">{error ? <Failure error={error} /> : <Skeleton lines={8} />}</Page>;
  return <BuildView build={build} step={params["step"]} log={params["log"]} />;
}

/** The builder may be there, and have other builds. */
function NoBuild({ builder, number }: { builder: string; number: string }) {
  const nameOf = useBuilderNames();
  const name = /^\d+$/.test(builder) ? nameOf(Number(builder)) : builder;
  return (
    <NotFoundPage what={`There is no build ${number} of builder ${name}.`}>
      <a href={`/builders/${encodeURIComponent(builder)}`}>The builds of {name}</a>
    </NotFoundPage>
  );
}

function BuildView({ build, step, log }: { build: Build; step: string | undefined; log: string | undefined }) {
  const place = usePlace();
  const here = `/builders/${build.builderid}/builds/${build.number}`;
  const isFull = place.query.get("view") === "log";
  const tab = (place.query.get("tab") ?? "steps") as Tab;
  const steps = useRows("steps", `builds/${build.buildid}/steps`, {}, [`builds/${build.buildid}/steps/*/*`]);
  const { row: request } = useRow("buildrequests", `buildrequests/${build.buildrequestid}`);
  const { row: buildset } = useRow("buildsets", request && `buildsets/${request.buildsetid}`);
  // Read again when it ends: only then its source is known.
  const lastGood = useRows("comparisons", `builds/${build.buildid}/compare`, {}, [`builds/${build.buildid}/finished`]);
  const name = useBuilderNames()(build.builderid);
  const shown = useMemo(() => steps.rows?.filter(({ hidden }) => !hidden), [steps.rows]);
  const selected =
    step === undefined
      ? chooseStep(shown ?? [], build.complete)
      : shown?.find((each) => String(each.number) === step || each.name === step);
  const failed = shown?.find((each) => isBad(standingOf(each)));
  const standing = standingOf(build);

  useFailedStepKeys(here, shown ?? [], selected);
  const words = build.complete
    ? `${verbs[standing]}${failed && isBad(standing) ? ` in “${failed.name}”` : ""} after ${formatDuration((build.complete_at ?? 0) - build.started_at)}`
    : build.state_string;
  const stepHref = (each: Step) => `${here}/steps/${each.number}`;
  return (
    <Page
      title={`${name} #${build.number}${failed ? ` · ${failed.name}` : ""}`}
      standing={standing}
      above={
        <>
          <a href="/builders">Builders</a>
          <a href={`/builders/${build.builderid}`}>{name}</a>
        </>
      }
      heading={
        <>
          <span class="num">#{build.number}</span> <ResultToken standing={standing} label={words} />
        </>
      }
      actions={
        <>
          <Neighbours build={build} />
          <CommentButton build={build} />
          <BuildActions build={build} buildset={buildset} />
        </>
      }
    >
      {!isFull && <BuildFacts build={build} request={request} buildset={buildset} lastGood={lastGood} />}
      {!isFull && <BuildNotes build={build} />}
      {!isFull && <BuildTabs build={build} tab={tab} here={here} lastGood={lastGood} />}
      {tab === "steps" && (
        <div class={isFull ? "build full" : "build"}>
          {!isFull && (shown ? <StepList steps={shown} selected={selected} href={stepHref} /> : <Skeleton lines={6} />)}
          {selected ? (
            <StepLogs key={selected.stepid} step={selected} slug={log} href={stepHref(selected)} isFull={isFull} />
          ) : (
            <p class="empty">{steps.rows ? "This build has no steps yet." : ""}</p>
          )}
        </div>
      )}
    </Page>
  );
}

/** `n` and `p` go to the next and the previous step that failed. */
function useFailedStepKeys(here: string, steps: readonly Step[], selected: Step | undefined): void {
  const goTo = (by: number) => {
    const bad = steps.filter((each) => isBad(standingOf(each)));
    const at = bad.findIndex((each) => each.stepid === selected?.stepid);
    const next = bad[(at + by + bad.length) % bad.length];
    if (next) navigate(`${here}/steps/${next.number}`, { replace: true });
  };
  useKeys({ n: () => goTo(1), p: () => goTo(-1) });
}

/** Links to the builds before and after this one. */
function Neighbours({ build: { builderid, number } }: { build: Build }) {
  const href = (other: number) => `/builders/${builderid}/builds/${other}`;
  // The newest build has none after it. A list is asked for: a single build that does not exist is an error.
  const newest = useRows("builds", `builders/${builderid}/builds`, { order: "-number", limit: 1, field: ["number"] }, [
    `builders/${builderid}/builds/*/new`,
  ]);
  const hasNext = (newest.rows?.[0]?.number ?? 0) > number;
  useKeys({
    "[": number > 1 ? () => navigate(href(number - 1)) : undefined,
    "]": hasNext ? () => navigate(href(number + 1)) : undefined,
  });
  return (
    <>
      {number > 1 && (
        <a class="button icon-only" href={href(number - 1)} aria-label="Previous build">
          <Icon name="back" />
        </a>
      )}
      {hasNext && (
        <a class="button icon-only" href={href(number + 1)} aria-label="Next build">
          <Icon name="next" />
        </a>
      )}
    </>
  );
}

/** The step to show first: the one that failed, or the one that runs, or the last one. */
function chooseStep(steps: readonly Step[], isComplete: boolean): Step | undefined {
  const failed = steps.find((each) => isBad(standingOf(each)));
  if (failed) return failed;
  const started = steps.filter(({ started_at: at }) => at !== null);
  return (isComplete ? undefined : started.findLast(({ complete }) => !complete)) ?? started.at(-1) ?? steps[0];
}
