import type { Failing } from "@multimaster/data";
import { personName, shortRevision } from "../format/properties.ts";
import { standingOf } from "../format/result.ts";
import { LineActions, LineNotes } from "../notes/line-notes.tsx";
import { BranchLink } from "./branch-link.tsx";
import { ResultToken } from "./result-token.tsx";
import { When } from "./when.tsx";

/** A builder that fails on a branch: how, since when, and whose changes may be to blame. */
export function FailingRow({ line, isLong = false }: { line: Failing; isLong?: boolean }) {
  const build = (number: number) => `/builders/${line.builderid}/builds/${number}`;
  return (
    <li data-row class="failing-row">
      <ResultToken standing={standingOf({ complete: true, results: line.results })} label="" />
      <div class="grow">
        <a href={build(line.newest_number)}>
          {line.builder} <span class="num">#{line.newest_number}</span>
        </a>{" "}
        <BranchLink branch={line.source} /> <FailedIn line={line} />
        <div class="quiet">
          {line.count > 1 ? `${line.count} builds, since ` : "since "}
          <a href={build(line.first_bad_number)}>#{line.first_bad_number}</a> <When at={line.since} />
          {line.last_good_number !== null ? (
            <>
              {" · last good "}
              <a href={build(line.last_good_number)}>#{line.last_good_number}</a>{" "}
              <a href={`${build(line.first_bad_number)}?tab=compare`}>compare</a>
            </>
          ) : line.last_good_buildid !== null ? (
            " · the last good build was deleted"
          ) : (
            " · no build of it passed"
          )}
        </div>
        <Blame line={line} isLong={isLong} />
        <LineNotes line={line} />
        <LineActions line={line} />
      </div>
    </li>
  );
}

function FailedIn({ line: { failed_steps: steps, failed_tests: tests, state_string: state } }: { line: Failing }) {
  const [step] = steps;
  const words = step ? `in ${step.name}` : state;
  const names = tests.names.join(", ");
  return (
    <span>
      {words}
      {tests.total > 0 && (
        <span class="quiet" title={names}>
          {`: ${tests.total === 1 ? names : `${tests.total} tests, such as ${tests.names[0] ?? ""}`}`}
        </span>
      )}
    </span>
  );
}

/** The changes between the last good build and the first bad one: the first of them is marked if it is the only one. */
function Blame({ line: { suspects, last_good_buildid: good }, isLong }: { line: Failing; isLong: boolean }) {
  const { total, changes } = suspects;
  if (total === 0)
    return (
      <div class="quiet">
        {good === null ? "No change is known for it." : "No change since then: the same source passed before."}
      </div>
    );
  const shown = isLong ? changes : changes.slice(0, 1);
  const authors = [...new Set(changes.map(({ author }) => personName(author)))];
  return (
    <>
      {!isLong && total > 1 ? (
        <div class="quiet">
          {total} changes by <bdi>{authors.slice(0, 3).join(", ")}</bdi>
          {authors.length > 3 && ` and ${authors.length - 3} others`}
        </div>
      ) : (
        <ul class="suspects">
          {shown.map((change) => (
            <li key={change.changeid}>
              <code title={change.revision ?? undefined}>{shortRevision(change.revision ?? "")}</code>{" "}
              <a href={`/changes/${change.changeid}`}>
                <bdi>{change.subject || "(no comment)"}</bdi>
              </a>{" "}
              <span class="quiet">
                by <bdi>{personName(change.author)}</bdi>
                {total === 1 && good !== null && " · it broke this"}
              </span>
            </li>
          ))}
          {isLong && total > changes.length && <li class="quiet">and {total - changes.length} older ones</li>}
        </ul>
      )}
    </>
  );
}
