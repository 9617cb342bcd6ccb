import type { Build } from "@multimaster/data";
import { call } from "../api/read.ts";
import { ActionButton } from "../components/action-button.tsx";
import { ResultToken } from "../components/result-token.tsx";
import { isBad, type Standing, standingOf } from "../format/result.ts";
import { newestBuilds } from "./newest-builds.ts";

/** What became of a change over all builders that have built it, by the newest build of each; builds again what failed. */
export function ChangeState({ builds }: { builds: readonly Build[] }) {
  const newest = newestBuilds(builds);
  if (newest.length === 0) return null;
  const running = newest.filter(({ complete }) => !complete);
  const failed = newest.filter((build) => isBad(standingOf(build)));
  const passed = newest.filter(({ results }) => results === 0 || results === 1);
  const parts = [
    `${passed.length} of ${newest.length} ${newest.length === 1 ? "builder that built it passes" : "builders that built it pass"}`,
    ...(failed.length > 0 ? [`${failed.length} ${failed.length === 1 ? "fails" : "fail"}`] : []),
    ...(running.length > 0 ? [`${running.length} ${running.length === 1 ? "builds" : "build"} it now`] : []),
  ];
  const rebuild = async () => {
    for (const { buildid } of failed) await call("builds", `builds/${buildid}`, "rebuild", {});
  };
  return (
    <p class="about">
      <ResultToken
        standing={overall(newest.length, passed.length, failed.length, running.length)}
        label={parts.join(", ")}
      />
      {failed.length > 0 && (
        <ActionButton
          act={rebuild}
          {...(failed.length > 1 ? { confirm: `Build ${failed.length} builders again?` } : {})}
          title="The same source and properties again, of each builder that fails"
        >
          Build again what failed
        </ActionButton>
      )}
    </p>
  );
}

function overall(all: number, passed: number, failed: number, running: number): Standing {
  if (failed > 0) return "failure";
  if (running > 0) return "running";
  return passed === all ? "success" : "cancelled";
}
