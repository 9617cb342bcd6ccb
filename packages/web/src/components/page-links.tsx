import { usePlace, withQuery } from "../router.ts";

/** The position in a list of more than one page: `from` of the address is the first row that is shown. */
export function PageLinks({
  from,
  shown,
  total,
  size,
}: {
  from: number;
  shown: number;
  total: number;
  /** Rows of a page. */
  size: number;
}) {
  const place = usePlace();
  if (from === 0 && total <= size) return null;
  const to = (first: number) => withQuery(place, { from: first > 0 ? String(first) : "" });
  return (
    <nav aria-label="Pages">
      <span class="quiet num">
        {shown === 0 ? 0 : from + 1}–{from + shown} of {total}
      </span>{" "}
      {from > 0 && <a href={to(from - size)}>Previous</a>} {from + shown < total && <a href={to(from + size)}>Next</a>}
    </nav>
  );
}
