import type { Json } from "@multimaster/core";
import type { ReportedBuild, ReportedSource } from "@multimaster/data";
import type { Report } from "../../define-reporter.ts";

/** What a report is about in the shape of Buildbot's HttpStatusPush: a build of the data API with what is nested in it. */
export async function buildbotShape(report: Report): Promise<Json> {
  const { build, step, buildset, request, worker, master, event } = report;
  if (worker)
    return {
      event,
      workerid: worker.workerid,
      name: worker.name,
      notify: [...worker.notify],
      last_connection: worker.lastConnection,
      reason: worker.reason,
    };
  if (buildset)
    return {
      bsid: buildset.buildsetid,
      reason: buildset.reason,
      results: buildset.results,
      complete: buildset.results !== null,
      complete_at: buildset.completeAt,
      submitted_at: buildset.submittedAt,
      sourcestamps: buildset.sources.map(stamp),
      builds: buildset.builds.map(shapeBuild),
    };
  if (request)
    return {
      event,
      buildrequestid: request.buildrequestid,
      buildsetid: request.buildsetid,
      builder: { builderid: request.builderid, name: request.builder, tags: [...request.tags] },
      waited: request.waited,
      requests: request.requests,
      reason: request.why,
      sourcestamps: request.sources.map(stamp),
    };
  if (master) return { event, masterid: master.masterid, name: master.name, text: master.sentence, ...master.facts };
  if (!build) return { event };
  if (step) return { event, ...step, build: shapeBuild(build), url: report.url };
  const { steps } = await report.details();
  return {
    ...shapeBuild(build),
    url: report.url,
    steps: steps.map((step) => ({
      stepid: step.stepid,
      number: step.number,
      name: step.name,
      results: step.results,
      state_string: step.state,
      started_at: step.startedAt,
      complete_at: step.completeAt,
      complete: step.completeAt !== null,
      urls: step.urls.map(({ name, url }) => ({ name, url })),
      logs: step.logs.map(({ logid, name, slug, lines }) => ({ logid, name, slug, num_lines: lines })),
    })),
  };
}

function shapeBuild(build: ReportedBuild) {
  const { previous } = build;
  return {
    buildid: build.buildid,
    number: build.number,
    builderid: build.builderid,
    buildrequestid: build.buildrequestid,
    complete: build.results !== null,
    complete_at: build.completeAt,
    started_at: build.startedAt,
    results: build.results,
    state_string: build.state,
    builder: { builderid: build.builderid, name: build.builder, tags: [...build.tags] },
    buildset: { bsid: build.buildsetid, reason: build.reason, sourcestamps: build.sources.map(stamp) },
    properties: Object.fromEntries(Object.entries(build.properties).map(([name, value]) => [name, [value, "Build"]])),
    prev_build: previous && { buildid: previous.buildid, number: previous.number, results: previous.results },
  } satisfies Json;
}

const stamp = ({ codebase, repository, project, branch, revision }: ReportedSource) => ({
  codebase,
  repository,
  project,
  branch,
  revision,
});
