import type { Build, TestResultSet } from "@multimaster/data";
import { useState } from "preact/hooks";
import { useRows } from "../api/live-query.ts";
import { ChangeRow } from "../components/change-row.tsx";
import { Rows } from "../components/page.tsx";
import { ResultToken } from "../components/result-token.tsx";
import { Table } from "../components/table.tsx";
import { Took } from "../components/when.tsx";
import { useBuilderNames } from "../format/names.ts";
import { standingOf } from "../format/result.ts";
import { BuildArtifacts } from "./build-artifacts.tsx";
import { BuildTests } from "./build-tests.tsx";

/** How many artifacts are read. */
const mostArtifacts = 2000;

export type Tab = "steps" | "tests" | "changes" | "artifacts" | "properties" | "children";

/** The tabs of a build: its steps, tests, changes, artifacts, properties and children. */
export function BuildTabs({ build, tab, here }: { build: Build; tab: Tab; here: string }) {
  const children = useRows("builds", `builds/${build.buildid}/triggered_builds`, {}, ["builds/*/*"]);
  const changes = useRows("changes", `builds/${build.buildid}/changes`);
  const sets = useRows("test_result_sets", `builds/${build.buildid}/test_result_sets`, {}, ["test_result_sets/*/*"]);
  const artifacts = useRows("artifacts", `builds/${build.buildid}/artifacts`, { order: "name", limit: mostArtifacts }, [
    `builds/${build.buildid}/artifacts/*/*`,
  ]);
  const count = (rows: readonly unknown[] | undefined) => (rows?.length ? ` ${rows.length}` : "");
  const tabs: readonly [Tab, string][] = [
    ["steps", "Steps"],
    ["tests", `Tests${countTests(sets.rows ?? [])}`],
    ["changes", `Changes${count(changes.rows)}`],
    ["artifacts", `Artifacts${artifacts.total ? ` ${artifacts.total}` : ""}`],
    ["properties", "Properties"],
    ["children", `Children${count(children.rows)}`],
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
      {tab === "tests" && <BuildTests build={build} />}
      {tab === "changes" && (
        <Rows of={changes} empty="No change since the last successful build: this one was forced or scheduled.">
          {(rows) => (
            <ul class="list boxed">
              {rows.map((change) => (
                <ChangeRow key={change.changeid} change={change} />
              ))}
            </ul>
          )}
        </Rows>
      )}
      {tab === "artifacts" && <BuildArtifacts artifacts={artifacts} />}
      {tab === "properties" && <PropertyTable build={build} />}
      {tab === "children" && (
        <Rows of={children} empty="This build triggered no others.">
          {(rows) => <ChildList builds={rows} />}
        </Rows>
      )}
    </>
  );
}

/** How many failed, or if none did, how many passed. */
function countTests(sets: readonly TestResultSet[]): string {
  const sum = (of: "tests_failed" | "tests_passed") => sets.reduce((all, set) => all + (set[of] ?? 0), 0);
  const [failed, passed] = [sum("tests_failed"), sum("tests_passed")];
  if (failed > 0) return ` ${failed} failed`;
  return passed > 0 ? ` ${passed}` : "";
}

function ChildList({ builds }: { builds: readonly Build[] }) {
  const builderName = useBuilderNames();
  return (
    <ul class="list boxed">
      {builds.map((child) => (
        <li key={child.buildid} data-row>
          <ResultToken standing={standingOf(child)} />
          <a class="grow" href={`/builders/${child.builderid}/builds/${child.number}`}>
            {builderName(child.builderid)} <span class="num">#{child.number}</span>
          </a>
          <span class="quiet cut">{child.state_string}</span>
          <Took from={child.started_at} to={child.complete_at} />
        </li>
      ))}
    </ul>
  );
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
