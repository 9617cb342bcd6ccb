import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import type { ApiError } from "../api/read.ts";
import { glyphs, type Standing } from "../format/result.ts";

const siteTitle = document.querySelector<HTMLMetaElement>('meta[name="multimaster-title"]')?.content || "Multimaster";

export { siteTitle };

const favicons: Readonly<Partial<Record<Standing, string>>> = {
  success: "#2e9e5b",
  warnings: "#c98a00",
  failure: "#d13438",
  exception: "#8a4fd0",
  running: "#2f6fde",
  retry: "#64748b",
  cancelled: "#7c8088",
};

/** Sets the title and favicon of the tab to the state, so that a build can be watched from another tab. */
export function useTitle(title: string, standing?: Standing): void {
  useEffect(() => {
    const glyph = standing ? `${glyphs[standing]} ` : "";
    document.title = title === siteTitle ? title : `${glyph}${title} · ${siteTitle}`;
    const colour = (standing && favicons[standing]) ?? "#4b5ac7";
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect x="1" y="1" width="14" height="14" rx="4" fill="${colour}"/><path d="M4 11V5.500l4 3.500 4-3.500V11" fill="none" stroke="#fff" stroke-width="1.800"/></svg>`;
    const link = document.querySelector<HTMLLinkElement>('link[rel="icon"]');
    if (link) link.href = `data:image/svg+xml,${encodeURIComponent(svg)}`;
  }, [title, standing]);
}

/** A page: its heading, its actions and its content. */
export function Page({
  title,
  heading,
  standing,
  above,
  actions,
  children,
}: {
  title: string;
  /** The heading, if it is more than the title. */
  heading?: ComponentChildren;
  standing?: Standing | undefined;
  /** Links to the pages above this one. */
  above?: ComponentChildren;
  actions?: ComponentChildren;
  children: ComponentChildren;
}) {
  useTitle(title, standing);
  return (
    <div class="page">
      {above && (
        <nav class="crumbs" aria-label="Breadcrumb">
          {above}
        </nav>
      )}
      <header class="page-head">
        <h1>{heading ?? title}</h1>
        {actions && <div class="actions">{actions}</div>}
      </header>
      {children}
    </div>
  );
}

export function Panel({
  title,
  note,
  children,
}: {
  title: ComponentChildren;
  note?: ComponentChildren;
  children: ComponentChildren;
}) {
  return (
    <section class="panel">
      <header class="panel-head">
        <h2>{title}</h2>
        {note && <span class="quiet">{note}</span>}
      </header>
      {children}
    </section>
  );
}

/** Shown instead of an empty list: what it means, or what to do. */
export function Empty({ children }: { children: ComponentChildren }) {
  return <p class="empty">{children}</p>;
}

/** Lines where text will be; visible only if reading takes long enough to be noticed. */
export function Skeleton({ lines = 4 }: { lines?: number }) {
  return (
    <div class="skeleton" aria-hidden="true">
      {Array.from({ length: lines }, (_, i) => (
        <i key={i} />
      ))}
    </div>
  );
}

/** Shows rows, or that they are being read, could not be read, or are none. */
export function Rows<Row>({
  of: { rows, error },
  empty,
  children,
}: {
  of: { readonly rows: readonly Row[] | undefined; readonly error: ApiError | undefined };
  empty: ComponentChildren;
  children: (rows: readonly Row[]) => ComponentChildren;
}) {
  if (rows === undefined) return error ? <Failure error={error} /> : <Skeleton />;
  return rows.length === 0 ? <Empty>{empty}</Empty> : children(rows);
}

export function Failure({ error }: { error: ApiError }) {
  const hint = error.status === 0 ? "This page continues by itself as soon as the server answers again." : "";
  return (
    <p class="failure-text" role="alert">
      {error.message} {hint}
    </p>
  );
}
