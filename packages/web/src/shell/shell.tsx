import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { Icon, type PageIcon } from "../components/icon.tsx";
import { siteTitle } from "../components/page.tsx";
import { useVisitor } from "../format/visitor.ts";
import { navigate } from "../router.ts";
import { applyTheme, isDark, settings } from "../settings.ts";
import { focusMain, focusMainIfLost } from "./focus.ts";
import { KeyHelp } from "./key-help.tsx";
import { goToMainAction, isTyping, moveAmongRows, moveAmongTabs, useKeys } from "./keys.ts";
import { Palette } from "./palette.tsx";
import { LiveWord, StatusBar } from "./status-bar.tsx";
import { UserMenu } from "./user-menu.tsx";

const rail: readonly { href: string; label: string; icon: PageIcon; also?: RegExp }[] = [
  { href: "/", label: "Home", icon: "home" },
  { href: "/builders", label: "Builders", icon: "builders", also: /^\/builds\// },
  { href: "/changes", label: "Changes", icon: "changes" },
  { href: "/queue", label: "Queue", icon: "queue", also: /^\/buildrequests/ },
  { href: "/workers", label: "Workers", icon: "workers" },
  { href: "/cluster", label: "Cluster", icon: "cluster", also: /^\/masters/ },
];

const more = [
  ["/failing", "Failing"],
  ["/console", "Console"],
  ["/grid", "Grid"],
  ["/timeline", "Timeline"],
  ["/tests", "Tests"],
  ["/schedulers", "Schedulers"],
  ["/locks", "Locks"],
  ["/instances", "Instances"],
  ["/settings", "Settings"],
] as const;

/** The frame of every page. */
export function Shell({ path, children }: { path: string; children: ComponentChildren }) {
  const [isSearching, setSearching] = useState(false);
  const [isHelping, setHelping] = useState(false);
  useKeys({
    "/": () => setSearching(true),
    "?": () => setHelping(true),
    j: () => moveAmongRows(1),
    k: () => moveAmongRows(-1),
    r: goToMainAction,
    ",": () => moveAmongTabs(-1),
    ".": () => moveAmongTabs(1),
    ...Object.fromEntries(rail.map(({ href }, i) => [String(i + 1), () => navigate(href)])),
  });
  useFocusOnPage(path);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key === "k" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        setSearching(true);
      } else if (event.key === "Escape" && isTyping(event.target)) (event.target as HTMLElement).blur();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
  return (
    <div class="shell">
      <a class="skip" href="#main">
        Skip to content
      </a>
      <header class="top">
        <a class="brand" href="/" aria-label={`${siteTitle}: home`}>
          <svg viewBox="0 0 20 20" aria-hidden="true" focusable="false">
            <rect x="1" y="1" width="18" height="18" rx="5" />
            <path d="M5.500 14V6.500l4.500 4 4.500-4V14" />
          </svg>
          <span>{siteTitle}</span>
        </a>
        <button type="button" class="find" onClick={() => setSearching(true)}>
          <Icon name="search" />
          <span>Find a builder, worker, page…</span>
          <kbd>/</kbd>
        </button>
        <span class="spacer" />
        <LiveWord />
        <ThemeButton />
        <UserMenu />
      </header>
      <nav class="rail" aria-label="Pages">
        {rail.map(({ href, label, icon, also }) => (
          <a key={href} href={href} aria-current={isHere(path, href, also) ? "page" : undefined}>
            <Icon name={icon} />
            <span>{label}</span>
          </a>
        ))}
        <More path={path} />
      </nav>
      <StatusBar />
      <main id="main" tabIndex={-1}>
        {children}
      </main>
      {isSearching && <Palette onClose={() => setSearching(false)} />}
      {isHelping && <KeyHelp onClose={() => setHelping(false)} />}
    </div>
  );
}

/** A page that was opened by a link of the frame, or of what is gone now, begins at its content. */
function useFocusOnPage(path: string): void {
  const shown = useRef(path);
  useLayoutEffect(() => {
    if (shown.current === path) return;
    shown.current = path;
    if (document.activeElement?.closest(".rail, .top")) focusMain();
    else focusMainIfLost();
  }, [path]);
}

function More({ path }: { path: string }) {
  const [isOpen, setOpen] = useState(false);
  useEffect(() => setOpen(false), [path]);
  const visitor = useVisitor();
  // The last ones only for users who may read them.
  const pages: readonly (readonly [href: string, label: string])[] = [
    ...more,
    ...(visitor?.reports ? ([["/reports", "Reports"]] as const) : []),
    ...(visitor?.accounts ? ([["/worker-accounts", "Worker accounts"]] as const) : []),
    ...(visitor?.audits ? ([["/audit", "Audit trail"]] as const) : []),
  ];
  const here = pages.some(([href]) => isHere(path, href));
  return (
    <div class="more">
      <button
        type="button"
        aria-expanded={isOpen}
        aria-current={here ? "true" : undefined}
        onClick={() => setOpen(!isOpen)}
        onKeyDown={(event) => event.key === "Escape" && setOpen(false)}
      >
        <Icon name="more" />
        <span>More</span>
      </button>
      {isOpen && (
        <div class="menu">
          {pages.map(([href, label]) => (
            <a key={href} href={href} aria-current={isHere(path, href) ? "page" : undefined}>
              {label}
            </a>
          ))}
        </div>
      )}
    </div>
  );
}

function isHere(path: string, href: string, also?: RegExp): boolean {
  return path === href || (href !== "/" && path.startsWith(`${href}/`)) || (also?.test(path) ?? false);
}

function ThemeButton() {
  const [dark, setDark] = useState(isDark());
  const toggle = () => {
    settings.set("theme", dark ? "light" : "dark");
    applyTheme();
    setDark(!dark);
  };
  return (
    <button type="button" class="icon-button" aria-label={dark ? "Light theme" : "Dark theme"} onClick={toggle}>
      <Icon name={dark ? "sun" : "moon"} />
    </button>
  );
}
