import { useMemo, useState } from "preact/hooks";
import { useRows } from "../api/live-query.ts";
import { type GroupedRow, groupBuilders } from "../builders/group-builders.ts";
import { ProjectChoice } from "../builders/use-project.tsx";
import { type BarFacts, BuildStrip, barFields } from "../components/build-strip.tsx";
import { Choice } from "../components/choice.tsx";
import { Page, Rows } from "../components/page.tsx";
import { ResultToken } from "../components/result-token.tsx";
import { When } from "../components/when.tsx";
import { type BuilderFacts, useBuilders, useProjectNames } from "../format/names.ts";
import { standingOf } from "../format/result.ts";
import { useView } from "../list/use-view.ts";
import { windowAt } from "../list/window.ts";
import { navigate, usePlace, withQuery } from "../router.ts";
import { settings } from "../settings.ts";

const rowPx = 44;
const recentLimit = 1_000;
const barLimit = 16;
const orders = [
  ["name", "name"],
  ["failing", "failing first"],
  ["recent", "last build first"],
] as const;

/** All builders, in any number: only the visible rows are drawn. */
export function BuildersPage() {
  const place = usePlace();
  const builders = useBuilders();
  const recent = useRows("builds", "builds", { order: "-buildid", limit: recentLimit, field: barFields }, [
    "builds/*/*",
  ]);
  const order = place.query.get("order") ?? "name";
  // Only the list in this order needs it.
  const failing = useRows(
    "failing",
    order === "failing" ? "failing" : undefined,
    { watched: true, configured: true, field: ["builderid", "watched", "configured"] },
    ["builds/*/finished"],
  );
  const fails = useMemo(() => new Set(failing.rows?.map(({ builderid }) => builderid)), [failing.rows]);
  const text = place.query.get("q") ?? "";
  const tags = place.query.getAll("tag");
  const project = place.query.get("project") ?? "";
  const projects = useProjectNames();
  const { favourites, toggle } = useFavourites();
  const byBuilder = useMemo(() => groupByBuilder(recent.rows ?? []), [recent.rows]);
  const shown = useMemo(() => {
    const found = filterBuilders(builders.rows ?? [], text, tags);
    const own = found.filter(({ projectid }) => project === "" || projects.get(projectid ?? 0) === project);
    return sortBuilders(own, byBuilder, fails, order);
  }, [builders.rows, byBuilder, fails, text, tags.join(), order, project, projects]);
  const rows = useMemo(
    // Another order than by name is that of all builders.
    () => (order === "name" ? groupBuilders(shown, favourites, projects) : shown.map((builder) => ({ builder }))),
    [shown, favourites, projects, order],
  );
  return (
    <Page title="Builders">
      <div class="filters">
        <input
          type="search"
          aria-label="Filter builders by name"
          placeholder="Filter by name"
          value={text}
          onInput={(event) => navigate(withQuery(place, { q: event.currentTarget.value }), { replace: true })}
        />
        <Choice
          label="Order"
          value={order}
          options={orders}
          onChoose={(value) => navigate(withQuery(place, { order: value }), { replace: true })}
        />
        <ProjectChoice />
        <TagButtons builders={builders.rows ?? []} chosen={tags} />
        <span class="spacer" />
        <span class="quiet num">
          {shown.length === builders.rows?.length ? shown.length : `${shown.length} of ${builders.rows?.length ?? 0}`}
        </span>
      </div>
      <Rows of={builders} empty="There are no builders: add some to the builders of the config.">
        {() =>
          shown.length === 0 ? (
            <p class="empty">No builder matches the filter.</p>
          ) : (
            <BuilderList
              rows={rows}
              projects={[...projects.values()]}
              favourites={favourites}
              onToggle={toggle}
              byBuilder={byBuilder}
              known={recent.rows === undefined ? "nothing" : recent.rows.length < recentLimit ? "all" : "recent"}
            />
          )
        }
      </Rows>
    </Page>
  );
}

/** Filters by tags: a builder must have all that are pressed. */
function TagButtons({ builders, chosen }: { builders: readonly BuilderFacts[]; chosen: readonly string[] }) {
  const place = usePlace();
  const all = useMemo(() => [...new Set(builders.flatMap((each) => each.tags))].sort(), [builders]);
  const toggle = (tag: string) => {
    const query = new URLSearchParams(place.query);
    query.delete("tag");
    const wanted = chosen.includes(tag) ? chosen.filter((each) => each !== tag) : [...chosen, tag];
    for (const each of wanted) query.append("tag", each);
    navigate(`${place.path}?${query}`, { replace: true });
  };
  return (
    <span class="tags">
      {all.slice(0, 30).map((tag) => (
        <button type="button" key={tag} class="tag" aria-pressed={chosen.includes(tag)} onClick={() => toggle(tag)}>
          {tag}
        </button>
      ))}
    </span>
  );
}

/** Which builds were read: of `all`, a builder without one has none. */
type Known = "nothing" | "recent" | "all";

/** The favourites of this browser, and what adds or removes one. */
function useFavourites() {
  const [favourites, setFavourites] = useState<ReadonlySet<string>>(() => new Set(settings.get("favourites")));
  const toggle = (name: string) => {
    const next = new Set(favourites);
    if (!next.delete(name)) next.add(name);
    settings.set("favourites", [...next]);
    setFavourites(next);
  };
  return { favourites, toggle };
}

function BuilderList({
  rows,
  projects,
  favourites,
  onToggle,
  byBuilder,
  known,
}: {
  rows: readonly GroupedRow<BuilderFacts>[];
  /** Names of projects: their headings lead to their home. */
  projects: readonly string[];
  favourites: ReadonlySet<string>;
  onToggle: (name: string) => void;
  byBuilder: ReadonlyMap<number, readonly BarFacts[]>;
  known: Known;
}) {
  const { ref, scrollPx, viewPx } = useView<HTMLDivElement>();
  const seen = windowAt({ count: rows.length, rowPx, viewPx }, scrollPx);
  return (
    <div ref={ref} class="scroll-list">
      <ul class="builder-rows" style={{ height: `${seen.heightPx}px` }}>
        {rows.slice(seen.from, seen.to).map((row, i) => {
          const style = { transform: `translateY(${seen.topPx + i * rowPx}px)` };
          if ("heading" in row)
            return (
              <li key={`# ${row.heading}`} class="group-head" style={style}>
                <h2>
                  {projects.includes(row.heading) ? (
                    <a
                      href={`/?project=${encodeURIComponent(row.heading)}`}
                      title="What needs attention in this project"
                    >
                      {row.heading}
                    </a>
                  ) : (
                    row.heading
                  )}
                </h2>
              </li>
            );
          const { builder } = row;
          return (
            <li
              key={builder.builderid}
              data-row
              aria-setsize={rows.length}
              aria-posinset={seen.from + i + 1}
              style={style}
            >
              <BuilderRow
                builder={builder}
                builds={byBuilder.get(builder.builderid)}
                known={known}
                isFavourite={favourites.has(builder.name)}
                onToggle={() => onToggle(builder.name)}
              />
            </li>
          );
        })}
      </ul>
    </div>
  );
}

function BuilderRow({
  builder,
  builds,
  known,
  isFavourite,
  onToggle,
}: {
  builder: BuilderFacts;
  builds: readonly BarFacts[] | undefined;
  known: Known;
  isFavourite: boolean;
  onToggle: () => void;
}) {
  // The recent builds of all builders do not include rarely used ones: their builds are read once the row is visible.
  const own = useRows("builds", builds || known !== "recent" ? undefined : `builders/${builder.builderid}/builds`, {
    order: "-number",
    limit: barLimit,
    field: barFields,
  });
  const shown = builds ?? own.rows ?? [];
  const [last] = shown;
  const isRead = known === "all" || builds !== undefined || own.rows !== undefined;
  return (
    <>
      <span class="named">
        <button
          type="button"
          class="favourite"
          aria-pressed={isFavourite}
          aria-label={`Favourite: ${builder.name}`}
          title={isFavourite ? "Remove from the favourites of this browser" : "Show first in this browser"}
          onClick={onToggle}
        >
          {isFavourite ? "★" : "☆"}
        </button>
        <a class="name cut" href={`/builders/${builder.builderid}`}>
          {builder.name}
        </a>
      </span>
      <span class="row-tags">
        {builder.tags.slice(0, 3).map((tag) => (
          <span class="tag" key={tag}>
            {tag}
          </span>
        ))}
        {builder.masterids.length === 0 && <span class="tag warn">no engine has it</span>}
      </span>
      <BuildStrip builds={shown} />
      <span class="last">
        {last ? <ResultToken standing={standingOf(last)} /> : <span class="quiet">{isRead ? "no builds" : "…"}</span>}
      </span>
      <span class="quiet when">{last && <When at={last.complete_at ?? last.started_at} />}</span>
    </>
  );
}

/** The newest builds of each builder. */
function groupByBuilder(builds: readonly BarFacts[]): ReadonlyMap<number, readonly BarFacts[]> {
  const found = new Map<number, BarFacts[]>();
  for (const build of builds) {
    const own = found.get(build.builderid);
    if (!own) found.set(build.builderid, [build]);
    else if (own.length < barLimit) own.push(build);
  }
  return found;
}

function filterBuilders(all: readonly BuilderFacts[], text: string, tags: readonly string[]): BuilderFacts[] {
  const wanted = text.trim().toLowerCase();
  return all.filter(
    (builder) => builder.name.toLowerCase().includes(wanted) && tags.every((tag) => builder.tags.includes(tag)),
  );
}

function sortBuilders(
  builders: BuilderFacts[],
  byBuilder: ReadonlyMap<number, readonly BarFacts[]>,
  failing: ReadonlySet<number>,
  order: string,
): BuilderFacts[] {
  const newest = (builder: BuilderFacts) => byBuilder.get(builder.builderid)?.[0]?.started_at ?? 0;
  const fails = ({ builderid }: BuilderFacts) => (failing.has(builderid) ? 1 : 0);
  return builders.sort(
    (a, b) =>
      (order === "failing" ? fails(b) - fails(a) : order === "recent" ? newest(b) - newest(a) : 0) ||
      a.name.localeCompare(b.name),
  );
}
