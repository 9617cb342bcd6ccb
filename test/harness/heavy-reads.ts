import { builders, workers } from "./many-builds.ts";

/** A path that a page asks for, and at most how many rows of each table a page of it is made of. */
export interface Read {
  readonly page: string;
  readonly path: string;
}

const some = (n: number, of: number) => Array.from({ length: n }, (_, i) => 1 + Math.floor((i * of) / n));
const each = (name: string, ids: readonly number[]) => ids.map((id) => `${name}=${id}`).join("&");
const facts = "property=branch&property=revision&property=got_revision&property=owner";
const ofBuildbot = "property=owners&property=workername&property=branch&property=revision";

/** What our pages ask for (packages/web/src/pages), and those of Buildbot's frontend: the heavy ones of all of them. */
export function heavyReads(builds: number): readonly Read[] {
  const [newest, old] = [builds - 1000, Math.floor(builds / 2)];
  const request = (build: number) => build - Math.floor(build / 1000);
  const change = (build: number) => Math.floor(build / 5);
  const reads: [page: string, ...paths: string[]][] = [
    [
      "home",
      `builds?complete=true&order=-buildid&limit=200&${facts}`,
      `builds?complete=false&order=started_at&limit=60&${facts}`,
      "buildrequests?claimed=false&order=submitted_at&limit=60",
      "failing?watched=true&configured=true&muted=false&order=since&limit=12",
      "failing?watched=true&configured=true&muted=true&order=since&limit=50",
    ],
    ["failing", "failing?muted=false&order=-since&limit=50", "failing?words__contains=builder-7&order=-since&limit=50"],
    [
      "builders",
      "builders?field=builderid&field=name&field=tags&field=masterids&field=description",
      "builds?order=-buildid&limit=1000&field=buildid&field=number&field=builderid&field=results",
      "builders/7/builds?order=-number&limit=16&field=buildid&field=number",
    ],
    [
      "builder",
      `builders/1/builds?order=-number&limit=100&${facts}`,
      `builders/1/builds?order=-number&limit=500&${facts}`,
      `builders/${builders - 1}/builds?order=-number&limit=100&${facts}`,
      `builders/1/builds?number__lt=${Math.floor(builds / 40)}&order=-number&limit=100`,
      "builders/1/builds?complete=true&order=-number&limit=20",
      "builders/1/buildrequests?claimed=false",
      "builders/1/failing?order=-watched&limit=5",
      "builders/1/lines?order=-lineid&limit=30",
      `lines/1/builds?order=-number&limit=50&${facts}`,
      "changes?revision=revision-7&revision=revision-8",
    ],
    [
      "build",
      `builds/${newest}?property=*`,
      `builds/${newest}/steps`,
      `builds/${newest}/notes?limit=20`,
      `builds/${newest}/changes`,
      `builds/${newest}/compare`,
      `builds/${newest}/compare/${old}`,
      `builds/${old}/changes`,
      `builds/${newest}/triggered_builds?order=buildid&limit=100`,
      `builds/${newest}/trigger_items?limit=100`,
      `builds/${newest}/trigger_item_counts`,
      `buildrequests/${request(newest)}`,
      `buildrequests/${request(newest)}/builds`,
    ],
    [
      "changes",
      "changes?order=-changeid&limit=60",
      "changes?order=-changeid&limit=300",
      "changes/search/number%201?order=-changeid&limit=60",
      `changes/${change(old)}/builds`,
    ],
    [
      "branch",
      "branch_builders/main",
      `branch_builders/${encodeURIComponent(`pr/${Math.floor(change(old) / 3) * 3}`)}`,
      "failing?source=main&order=since&limit=50",
      // The page of a pull request reads the changes of several refs, which SQLite sorts; such refs have few.
      "changes?branch=main&order=-changeid&limit=30",
    ],
    ["console", `builds?order=-buildid&limit=600&${facts}`],
    ["timeline", "builds?order=-buildid&limit=500"],
    ["queue", "waiting?order=since&limit=300", "waiting/builders", "waiting/changes", "builders/1/waiting"],
    ["workers", "workers", "builds?complete=false", "workers/7/builds?order=-buildid&limit=50"],
    ["cluster", "members", "cluster", "standing"],
    ["palette", "workers?field=workerid&field=name", "changes?order=-changeid&limit=200"],
    [
      "filters",
      "builds?results=5&order=-buildid&limit=50",
      "builds?results=2&order=-buildid&limit=50",
      "builders/1/builds?results=2&order=-number&limit=50",
      "builds?order=-complete_at&limit=50",
      "builds?order=-started_at&limit=50",
      "builds?workerid=7&complete=false",
      `changes?branch=pr/${Math.floor(change(old) / 3) * 3}&order=-changeid&limit=50`,
      "changes?branch=main&order=-changeid&limit=50",
      "changes?author=author-7&order=-changeid&limit=50",
      "buildsets?complete=false&limit=50",
      "buildrequests?complete=false&order=-priority&limit=50",
    ],
    ["Buildbot: home", "builds?order=-started_at&complete=false", "builds?order=-buildid&complete=true&limit=20"],
    [
      "Buildbot: builders",
      `builds?limit=200&order=-started_at&${each("builderid__eq", some(100, builders))}&${ofBuildbot}`,
    ],
    [
      "Buildbot: builder",
      "buildrequests?builderid=1&claimed=false",
      `builds?builderid=1&${ofBuildbot}&limit=200&order=-number`,
    ],
    [
      "Buildbot: build",
      "builds?builderid=1&number__eq=99&number__eq=100&number__eq=101",
      `buildsets?rebuilt_buildid=${old}&limit=1&order=-bsid`,
      `builds?builderid=1&workerid=7&number__lt=${Math.floor(builds / 40)}&order=-number&limit=5`,
    ],
    ["Buildbot: workers", `builds?${ofBuildbot}&limit=50&order=-buildid&${each("workerid", some(50, workers))}`],
    ["Buildbot: masters", "builds?limit=100&order=-started_at"],
    [
      "Buildbot: project",
      "changes?limit=50&project__eq=project-2&order=-changeid",
      "changes?limit=50&project__eq=none&order=-changeid",
      "buildrequests?limit=50&order=-priority&order=-submitted_at&claimed=false",
    ],
    [
      "Buildbot: console",
      "changes?limit=30&order=-changeid",
      "buildsets?limit=200&order=-submitted_at",
      "buildrequests?limit=200&order=-submitted_at",
      "builds?limit=200&order=-started_at&property=got_revision",
    ],
    [
      "Buildbot: grid",
      "changes?limit=100&order=-changeid",
      "buildsets?limit=1000&order=-bsid",
      "buildrequests?limit=1000&order=-buildrequestid",
      "builds?limit=1000&order=-buildrequestid",
    ],
    ["Buildbot: waterfall", "builds?limit=40&order=-started_at"],
    ["change, in Buildbot", `changes/${change(newest)}/builds?${ofBuildbot}&limit=10`],
    [
      "tests",
      "tests/failing?limit=200",
      "tests/flaky?limit=200",
      "tests/slowest?limit=50",
      "builders/7/tests/failing?limit=200",
      "builders/7/tests/flaky?limit=200",
      "tests/61/runs?order=-test_result_setid&limit=100",
      `builds/${Math.floor(newest / 20) * 20}/tests?order=outcome&limit=500`,
      `builds/${Math.floor(newest / 20) * 20}/test_result_sets`,
    ],
  ];
  const seen = new Set<string>();
  return reads.flatMap(([page, ...paths]) =>
    paths.flatMap((path) => {
      if (seen.has(path)) return [];
      seen.add(path);
      return [{ page, path }];
    }),
  );
}
