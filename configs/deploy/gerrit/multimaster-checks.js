/**
 * Shows builds in the tab "Checks" of a change in Gerrit 3.5 or newer, by Gerrit's JavaScript API for checks.
 *
 * Copy this file into the directory `plugins` of Gerrit's site, with the address of your cluster below. The ui masters must let
 * the pages of Gerrit read: `allowedOrigins: ["https://gerrit.example.org"]`, and anyone must have the right to read builds,
 * builders and changes. docs/reporters.md says what else there is for Gerrit.
 */
window.Gerrit.install((plugin) => {
  const cluster = "https://ci.example.org/";
  const pollSeconds = 60;
  /** The same revision may have come several times: as a patch set, and when it was merged. */
  const mostChanges = 5;
  const mostBuilds = 200;

  /** Categories by the result of a build: success, warnings, failure, skipped, exception, retry, cancelled. */
  const categories = ["SUCCESS", "WARNING", "ERROR", "INFO", "ERROR", "INFO", "INFO"];

  async function ask(path) {
    const answer = await fetch(new URL(`api/v2/${path}`, cluster));
    if (!answer.ok) throw new Error(`The build cluster answers ${answer.status}.`);
    return answer.json();
  }

  /** The builds of a revision, oldest first. */
  async function readBuilds(revision) {
    const query = `revision=${encodeURIComponent(revision)}&order=-changeid&limit=${mostChanges}`;
    const { changes } = await ask(`changes?${query}`);
    const lists = await Promise.all(
      changes.map(({ changeid }) =>
        ask(`changes/${changeid}/builds?order=-buildid&limit=${mostBuilds}&property=buildername`),
      ),
    );
    const all = new Map(lists.flatMap(({ builds }) => builds.map((build) => [build.buildid, build])));
    return [...all.values()].sort((a, b) => a.buildid - b.buildid);
  }

  const toDate = (seconds) => (seconds === null ? undefined : new Date(seconds * 1000));

  /** A build as a run of its builder's check. */
  function toRun(
    { buildid, builderid, properties, complete, started_at, complete_at, results, state_string },
    attempt,
  ) {
    const page = new URL(`builds/${buildid}`, cluster).href;
    const links = [{ url: page, tooltip: "Page of the build", primary: true, icon: "external" }];
    return {
      attempt,
      externalId: String(buildid),
      checkName: properties.buildername?.[0] ?? `builder ${builderid}`,
      checkLink: new URL(`builders/${builderid}`, cluster).href,
      status: complete ? "COMPLETED" : "RUNNING",
      statusDescription: state_string,
      statusLink: page,
      startedTimestamp: toDate(started_at),
      finishedTimestamp: toDate(complete_at),
      results: complete ? [{ category: categories[results] ?? "ERROR", summary: state_string, links }] : [],
    };
  }

  async function fetchRuns({ patchsetSha }) {
    try {
      const attempts = new Map();
      const runs = (await readBuilds(patchsetSha)).map((build) => {
        const attempt = (attempts.get(build.builderid) ?? 0) + 1;
        attempts.set(build.builderid, attempt);
        return toRun(build, attempt);
      });
      return { responseCode: "OK", runs };
    } catch (error) {
      return { responseCode: "ERROR", errorMessage: `No checks from ${cluster}: ${error.message}` };
    }
  }

  plugin.checks().register({ fetch: fetchRuns }, { fetchPollingIntervalSeconds: pollSeconds });
});
