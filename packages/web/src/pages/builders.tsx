import { useMemo } from "preact/hooks";
import { useRows } from "../api/live-query.ts";
import { type BarFacts, BuildStrip, barFields } from "../components/build-strip.tsx";
import { Choice } from "../components/choice.tsx";
import { Page, Rows } from "../components/page.tsx";
import { ResultToken } from "../components/result-token.tsx";
import { When } from "../components/when.tsx";
import { type BuilderFacts, useBuilders } from "../format/names.ts";
import { standingOf } from "../format/result.ts";
import { useView } from "../list/use-view.ts";
import { windowAt } from "../list/window.ts";
import { navigate, usePlace, withQuery } from "../router.ts";

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
  const byBuilder = useMemo(() => groupByBuilder(recent.rows ?? []), [recent.rows]);
  const shown = useMemo(
    () => sortBuilders(filterBuilders(builders.rows ?? [], text, tags), byBuilder, fails, order),
    [builders.rows, byBuilder, fails, text, tags.join(), order],
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
              builders={shown}
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

function BuilderList({
  builders,
  byBuilder,
  known,
}: {
  builders: readonly BuilderFacts[];
  byBuilder: ReadonlyMap<number, readonly BarFacts[]>;
  known: Known;
}) {
  const { ref, scrollPx, viewPx } = useView<HTMLDivElement>();
  const seen = windowAt({ count: builders.length, rowPx, viewPx }, scrollPx);
  return (
    <div ref={ref} class="scroll-list">
      <ul class="builder-rows" style={{ height: `${seen.heightPx}px` }}>
        {builders.slice(seen.from, seen.to).map((builder, i) => (
          <li
            key={builder.builderid}
            data-row
            aria-setsize={builders.length}
            aria-posinset={seen.from + i + 1}
            style={{ transform: `translateY(${seen.topPx + i * rowPx}px)` }}
          >
            <BuilderRow builder={builder} builds={byBuilder.get(builder.builderid)} known={known} />
          </li>
        ))}
      </ul>
    </div>
  );
}

function BuilderRow({
  builder,
  builds,
  known,
}: {
  builder: BuilderFacts;
  builds: readonly BarFacts[] | undefined;
  known: Known;
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
      <a class="name cut" href={`/builders/${builder.builderid}`}>
        {builder.name}
      </a>
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
