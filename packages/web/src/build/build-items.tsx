import type { Build, TriggerItem, TriggerItemCount } from "@multimaster/data";

import { type QueryState, useRows } from "../api/live-query.ts";
import { Choice } from "../components/choice.tsx";
import { Rows } from "../components/page.tsx";
import { PageLinks } from "../components/page-links.tsx";
import { ResultToken } from "../components/result-token.tsx";
import { Table } from "../components/table.tsx";
import { countKinds, kindOfItem, wordOfItem } from "../format/items.ts";
import { standingOf } from "../format/result.ts";
import { navigate, usePlace, withQuery } from "../router.ts";

const pageSize = 100;

/** What a step of the build builds item by item, what failed first; a page of it at a time. */
export function BuildItems({ build, counts }: { build: Build; counts: QueryState<TriggerItemCount> }) {
  const place = usePlace();
  const text = place.query.get("q") ?? "";
  const kind = place.query.get("items") ?? "";
  const from = Math.max(0, Number(place.query.get("from")) || 0);
  const kinds = countKinds(counts.rows ?? []);
  const chosen = kinds.find(({ word }) => word === kind);
  const items = useRows(
    "trigger_items",
    `builds/${build.buildid}/trigger_items`,
    {
      limit: pageSize,
      offset: from,
      ...(text === "" ? {} : { name__contains: text }),
      ...(chosen === undefined ? {} : { state: chosen.state }),
      ...(chosen === undefined || chosen.results === null ? {} : { results: chosen.results }),
    },
    [`builds/${build.buildid}/steps/*/*`],
  );
  const show = (changes: Record<string, string>) =>
    navigate(withQuery(place, { ...changes, from: "" }), { replace: true });
  const all = kinds.reduce((sum, { count }) => sum + count, 0);
  return (
    <>
      <div class="filters">
        <input
          type="search"
          aria-label="Filter items by name"
          placeholder="Filter items"
          value={text}
          onInput={(event) => show({ q: event.currentTarget.value })}
        />
        <Choice
          label="Show"
          value={chosen?.word ?? ""}
          options={[["", `all ${all}`], ...kinds.map(({ word, count }) => [word, `${count} ${word}`] as const)]}
          onChoose={(word) => show({ items: word })}
        />
        <span class="quiet">{kinds.map(({ word, count }) => `${count} ${word}`).join(", ")}</span>
      </div>
      <Rows of={items} empty={all === 0 ? <NoItems /> : "No item is like that."}>
        {(rows) => (
          <>
            <ItemTable rows={rows} />
            <PageLinks from={from} shown={rows.length} total={items.total ?? rows.length} size={pageSize} />
          </>
        )}
      </Rows>
    </>
  );
}

function NoItems() {
  return (
    <>
      No step of this build has triggered a list of items. The step <code>trigger</code> does with its option{" "}
      <code>items</code>.
    </>
  );
}

function ItemTable({ rows }: { rows: readonly TriggerItem[] }) {
  return (
    <Table
      stacks
      head={
        <>
          <th>Item</th>
          <th>State</th>
          <th>Build</th>
          <th>What failed, or what it waits for</th>
        </>
      }
    >
      {rows.map((item) => (
        <tr key={item.itemid} data-row>
          <td>{item.name}</td>
          <td>
            <ResultToken standing={kindOfItem(item)} label={wordOfItem(item)} />
          </td>
          <td>
            {item.builds.map(({ buildid, builderid, builder, number, results }) => (
              <div key={buildid} class={standingOf({ complete: results !== null, results })}>
                <a href={`/builders/${builderid}/builds/${number}`}>
                  {builder} <span class="num">#{number}</span>
                </a>
              </div>
            ))}
          </td>
          <td class="wide">{item.note ?? item.reasons.join(" ")}</td>
        </tr>
      ))}
    </Table>
  );
}
