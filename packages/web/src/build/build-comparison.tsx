import type { Build, Comparison } from "@multimaster/data";
import { type QueryState, useRows } from "../api/live-query.ts";
import { Panel, Rows } from "../components/page.tsx";
import { Table } from "../components/table.tsx";
import { When } from "../components/when.tsx";
import { personName, shortRevision } from "../format/properties.ts";
import { standingOf, verbs } from "../format/result.ts";
import { formatDuration } from "../format/time.ts";
import { navigate, usePlace, withQuery } from "../router.ts";

/** A build beside the last good one before it, or beside any other build of its builder. */
export function BuildComparison({ build, lastGood }: { build: Build; lastGood: QueryState<Comparison> }) {
  const place = usePlace();
  const number = place.query.get("with") ?? "";
  const chosen = useGiven(build, number);
  const of = number === "" ? lastGood : chosen;
  return (
    <>
      <form
        class="filters"
        onSubmit={(event) => {
          event.preventDefault();
          const given = String(new FormData(event.currentTarget).get("number") ?? "").replace(/^#/, "");
          navigate(withQuery(place, { with: given }), { replace: true });
        }}
      >
        <label>
          <span class="quiet">With build</span>{" "}
          <input
            name="number"
            type="number"
            min="1"
            placeholder={String(lastGood.rows?.[0]?.base.number ?? "")}
            defaultValue={number}
          />
        </label>
        <button type="submit">Compare</button>
        {number !== "" && (
          <button type="button" onClick={() => navigate(withQuery(place, { with: "" }), { replace: true })}>
            With the last good one
          </button>
        )}
      </form>
      <Rows
        of={of}
        empty={
          number === ""
            ? "No build of this branch passed before this one. Give the number of a build to compare it with."
            : `There is no build ${number} of this builder.`
        }
      >
        {([comparison]) => comparison && <Differences comparison={comparison} />}
      </Rows>
    </>
  );
}

/** The comparison with a build of the same builder. */
function useGiven(build: Build, number: string): QueryState<Comparison> {
  const isAsked = /^\d{1,9}$/.test(number);
  const base = useRows("builds", isAsked ? `builders/${build.builderid}/builds` : undefined, {
    number: Number(number) || 0,
    field: ["buildid", "number"],
  });
  const baseid = base.rows?.[0]?.buildid;
  const found = useRows(
    "comparisons",
    baseid === undefined ? undefined : `builds/${build.buildid}/compare/${baseid}`,
    {},
    [`builds/${build.buildid}/finished`],
  );
  if (!isAsked || base.rows?.length === 0) return { rows: [], total: 0, error: undefined };
  return base.error ? { rows: undefined, total: undefined, error: base.error } : found;
}

const relations: Readonly<Record<string, string>> = {
  newer: "This build has a newer source.",
  older: "This build has an older source; the changes are those that it lacks.",
  same: "Both have the same source.",
  unrelated: "Their sources cannot be compared: they are of other branches, or their place in the branch is not known.",
};

function Differences({ comparison }: { comparison: Comparison }) {
  const { base, relation, changes, properties, tests, steps } = comparison;
  const standing = standingOf({ complete: base.complete_at !== null, results: base.results });
  return (
    <>
      <p class="about">
        <span>
          Compared with{" "}
          <a href={`/builders/${base.builderid}/builds/${base.number}`}>
            {base.builder} #{base.number}
          </a>
          , which {verbs[standing]}
          {base.complete_at !== null && (
            <>
              {" "}
              <When at={base.complete_at} />
            </>
          )}
          . {relations[relation]}
        </span>
      </p>
      {(relation === "newer" || relation === "older") && (
        <Panel title="Changes" note={changes.total}>
          <ChangeList comparison={comparison} />
        </Panel>
      )}
      <TestDifferences tests={tests} />
      <Panel
        title="Properties"
        note={
          properties.length === 0 ? "all alike" : properties.length === 1 ? "1 differs" : `${properties.length} differ`
        }
      >
        {properties.length > 0 && (
          <Table
            stacks
            head={
              <>
                <th>Name</th>
                <th>#{base.number}</th>
                <th>This build</th>
              </>
            }
          >
            {properties.map(({ name, base: before, build: now }) => (
              <tr key={name}>
                <td>{name}</td>
                <td class="wide">{before === null ? <span class="quiet">not set</span> : <code>{before}</code>}</td>
                <td class="wide">{now === null ? <span class="quiet">not set</span> : <code>{now}</code>}</td>
              </tr>
            ))}
          </Table>
        )}
      </Panel>
      <StepTimes steps={steps} number={base.number} />
    </>
  );
}

function ChangeList({ comparison: { changes } }: { comparison: Comparison }) {
  if (changes.changes.length === 0) return <p class="empty">No change of these branches lies between them.</p>;
  return (
    <ul class="list">
      {changes.changes.map((change) => (
        <li key={change.changeid} data-row>
          <div class="grow cut">
            <a href={`/changes/${change.changeid}`}>
              <bdi>{change.subject || "(no comment)"}</bdi>
            </a>
            <div class="quiet cut">
              <bdi>{personName(change.author)}</bdi> {change.branch && `· ${change.branch}`}
            </div>
          </div>
          {change.revision && <code title={change.revision}>{shortRevision(change.revision)}</code>}
          <span class="quiet when">
            <When at={change.when_timestamp} />
          </span>
        </li>
      ))}
      {changes.total > changes.changes.length && (
        <li class="quiet">and {changes.total - changes.changes.length} older ones</li>
      )}
    </ul>
  );
}

/** "21 changes since #1, which succeeded 3 days ago", with the list. */
export function ChangesSince({ comparison }: { comparison: Comparison }) {
  const { base, relation, changes } = comparison;
  const count = changes.total === 1 ? "1 change" : `${changes.total} changes`;
  return (
    <>
      <p class="about">
        <span>
          {relation === "same" ? "The same source as in" : `${count} since`}{" "}
          <a href={`/builders/${base.builderid}/builds/${base.number}`}>#{base.number}</a>, which succeeded
          {base.complete_at !== null && (
            <>
              {" "}
              <When at={base.complete_at} />
            </>
          )}
          .
        </span>
      </p>
      {relation !== "same" && (
        <div class="boxed">
          <ChangeList comparison={comparison} />
        </div>
      )}
    </>
  );
}

const mostNames = 50;

function TestDifferences({ tests }: { tests: Comparison["tests"] }) {
  if (tests.base_total === 0 && tests.build_total === 0) return null;
  const groups = [
    ["Newly failing", tests.newly_failing],
    ["Still failing", tests.still_failing],
    ["Fixed", tests.fixed],
    ["Failed before, not run now", tests.gone],
  ] as const;
  return (
    <Panel title="Tests" note={`${tests.base_total} then, ${tests.build_total} now`}>
      {tests.incomplete && <p class="quiet">So many tests fail that only some of them were compared.</p>}
      {groups.every(([, names]) => names.length === 0) && <p class="empty">No test fails in either build.</p>}
      {groups.map(
        ([title, names]) =>
          names.length > 0 && (
            <div class="test-group" key={title}>
              <h3>
                {title} <span class="quiet num">{names.length}</span>
              </h3>
              <ul>
                {names.slice(0, mostNames).map((name) => (
                  <li key={name}>
                    <code>{name}</code>
                  </li>
                ))}
                {names.length > mostNames && <li class="quiet">and {names.length - mostNames} others</li>}
              </ul>
            </div>
          ),
      )}
    </Panel>
  );
}

function StepTimes({ steps, number }: { steps: Comparison["steps"]; number: number }) {
  if (steps.length === 0) return null;
  const time = (seconds: number | null) => (seconds === null ? "–" : formatDuration(seconds));
  const word = (results: number | null) =>
    results === null || results === 0 ? "" : ` ${standingOf({ complete: true, results })}`;
  return (
    <Panel title="Steps">
      <Table
        head={
          <>
            <th>Step</th>
            <th class="right">#{number}</th>
            <th class="right">This build</th>
            <th class="right">Difference</th>
          </>
        }
      >
        {steps.map((step, i) => {
          const { base_seconds: before, build_seconds: now } = step;
          const more = before === null || now === null ? undefined : now - before;
          return (
            <tr key={i}>
              <td class="wide">{step.name}</td>
              <td class="right num">
                {time(before)}
                <span class="quiet">{word(step.base_results)}</span>
              </td>
              <td class="right num">
                {time(now)}
                <span class="quiet">{word(step.build_results)}</span>
              </td>
              <td class="right num">
                {more === undefined || more === 0 ? "" : `${more > 0 ? "+" : "−"}${formatDuration(Math.abs(more))}`}
              </td>
            </tr>
          );
        })}
      </Table>
    </Panel>
  );
}
