import type { Build, Comparison, TestResultSet, TriggerItemCount } from "@multimaster/data";
import { useState } from "preact/hooks";
import { type QueryState, useRows } from "../api/live-query.ts";
import { ChangeRow } from "../components/change-row.tsx";
import { Rows } from "../components/page.tsx";
import { PageLinks } from "../components/page-links.tsx";
import { Table } from "../components/table.tsx";
import { usePlace } from "../router.ts";
import { BuildArtifacts } from "./build-artifacts.tsx";
import { BuildComparison, ChangesSince } from "./build-comparison.tsx";
import { BuildItems } from "./build-items.tsx";
import { BuildTests } from "./build-tests.tsx";
import { BuildWarnings } from "./build-warnings.tsx";
import { ChildList } from "./child-list.tsx";

/** How many artifacts are read. */
const mostArtifacts = 2000;
/** Children of a page: a build may have thousands. */
const childrenOfPage = 100;

export type Tab =
  | "steps"
  | "items"
  | "tests"
  | "warnings"
  | "changes"
  | "compare"
  | "artifacts"
  | "properties"
  | "children";

/** The tabs of a build: its steps, items if it has any, tests, changes, artifacts, properties and children. */
export function BuildTabs({
  build,
  tab,
  here,
  lastGood,
}: {
  build: Build;
  tab: Tab;
  here: string;
  /** With the last good build before it on its branch; no rows: there is none. */
  lastGood: QueryState<Comparison>;
}) {
  const [comparison] = lastGood.rows ?? [];
  const { query } = usePlace();
  const from = tab === "children" ? Math.max(0, Number(query.get("from")) || 0) : 0;
  const children = useRows(
    "builds",
    `builds/${build.buildid}/triggered_builds`,
    // The tab's label needs the number only.
    { order: "buildid", limit: tab === "children" ? childrenOfPage : 1, offset: from },
    ["builds/*/*"],
  );
  const items = useRows("trigger_item_counts", `builds/${build.buildid}/trigger_item_counts`, {}, [
    `builds/${build.buildid}/steps/*/*`,
  ]);
  // Without a good build before it, those that it was started for.
  const changes = useRows("changes", lastGood.rows?.length === 0 ? `builds/${build.buildid}/changes` : undefined);
  const sets = useRows("test_result_sets", `builds/${build.buildid}/test_result_sets`, {}, ["test_result_sets/*/*"]);
  const artifacts = useRows(
    "artifacts",
    `builds/${build.buildid}/artifacts`,
    { order: "name", limit: tab === "artifacts" ? mostArtifacts : 1 },
    [`builds/${build.buildid}/artifacts/*/*`],
  );
  const issues = (sets.rows ?? []).filter(({ category }) => category === "code_issue");
  const count = (rows: readonly unknown[] | undefined) => (rows?.length ? ` ${rows.length}` : "");
  const tabs: readonly [Tab, string][] = [
    ["steps", "Steps"],
    ...(items.rows?.length || tab === "items"
      ? [["items", `Items${countItems(items.rows ?? [])}`] as [Tab, string]]
      : []),
    ["tests", `Tests${countTests(sets.rows ?? [])}`],
    ...(issues.length > 0 || tab === "warnings" ? [["warnings", "Warnings"] as [Tab, string]] : []),
    ["changes", `Changes${comparison ? countChanges(comparison) : count(changes.rows)}`],
    ["compare", "Compare"],
    ["artifacts", `Artifacts${artifacts.total ? ` ${artifacts.total}` : ""}`],
    ["properties", "Properties"],
    ["children", `Children${children.total ? ` ${children.total}` : ""}`],
  ];
  return (
    <>
      <nav class="tabs" aria-label="Parts of this build">
        {tabs.map(([name, label]) => (
          <a
            key={name}
            href={name === "steps" ? here : `${here}?tab=${name}`}
            aria-current={name === tab ? "page" : undefined}
          >
            {label}
          </a>
        ))}
      </nav>
      {tab === "items" && <BuildItems build={build} counts={items} />}
      {tab === "tests" && <BuildTests build={build} />}
      {tab === "warnings" && <BuildWarnings sets={issues} />}
      {tab === "changes" &&
        (comparison ? (
          <ChangesSince comparison={comparison} />
        ) : (
          <Rows
            of={{ rows: lastGood.rows && changes.rows, error: lastGood.error ?? changes.error }}
            empty="No build of this branch passed before, and this one was started for no change."
          >
            {(rows) => (
              <>
                <p class="quiet">
                  No build of this branch passed before: these are the changes that it was started for.
                </p>
                <ul class="list boxed">
                  {rows.map((change) => (
                    <ChangeRow key={change.changeid} change={change} />
                  ))}
                </ul>
              </>
            )}
          </Rows>
        ))}
      {tab === "compare" && <BuildComparison build={build} lastGood={lastGood} />}
      {tab === "artifacts" && <BuildArtifacts build={build} artifacts={artifacts} />}
      {tab === "properties" && <PropertyTable build={build} />}
      {tab === "children" && (
        <Rows of={children} empty="This build triggered no others.">
          {(rows) => (
            <>
              <ChildList builds={rows} />
              <PageLinks from={from} shown={rows.length} total={children.total ?? rows.length} size={childrenOfPage} />
            </>
          )}
        </Rows>
      )}
    </>
  );
}

/** How many there are, or how many of them failed. */
function countItems(counts: readonly TriggerItemCount[]): string {
  const sum = (of: readonly TriggerItemCount[]) => of.reduce((all, { count }) => all + count, 0);
  const failed = sum(counts.filter(({ results }) => results === 2 || results === 4));
  return failed > 0 ? ` ${failed} failed` : ` ${sum(counts)}`;
}

const countChanges = ({ changes: { total } }: Comparison) => (total > 0 ? ` ${total}` : "");

/** How many failed, or if none did, how many passed. */
function countTests(sets: readonly TestResultSet[]): string {
  const sum = (of: "tests_failed" | "tests_passed") => sets.reduce((all, set) => all + (set[of] ?? 0), 0);
  const [failed, passed] = [sum("tests_failed"), sum("tests_passed")];
  if (failed > 0) return ` ${failed} failed`;
  return passed > 0 ? ` ${passed}` : "";
}

function PropertyTable({ build }: { build: Build }) {
  const [text, setText] = useState("");
  const all = Object.entries(build.properties).map(([name, [value, source]]) => ({
    name,
    value: typeof value === "string" ? value : JSON.stringify(value),
    source,
  }));
  const wanted = text.toLowerCase();
  const shown = all.filter(({ name, value }) => `${name} ${value}`.toLowerCase().includes(wanted));
  return (
    <>
      <div class="filters">
        <input
          type="search"
          aria-label="Search properties"
          placeholder="Search properties"
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </div>
      <Table
        head={
          <>
            <th>Name</th>
            <th>Value</th>
            <th>Source</th>
          </>
        }
      >
        {shown.map(({ name, value, source }) => (
          <tr key={name}>
            <td>{name}</td>
            <td class="wide">
              <code>{value}</code>
            </td>
            <td class="quiet">{source}</td>
          </tr>
        ))}
      </Table>
    </>
  );
}
