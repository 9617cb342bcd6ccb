/** The preferences of one browser, kept in that browser. */
interface Settings {
  theme: "system" | "light" | "dark";
  times: "ago" | "exact";
  wrap: "off" | "on";
  logTimes: "off" | "on";
  /** Builders by name. */
  favourites: readonly string[];
}

const defaults: Settings = { theme: "system", times: "ago", wrap: "off", logTimes: "off", favourites: [] };
const key = "multimaster";

function load(): Settings {
  try {
    return { ...defaults, ...(JSON.parse(localStorage.getItem(key) ?? "{}") as Partial<Settings>) };
  } catch {
    return { ...defaults };
  }
}

let current = load();

export const settings = {
  get: <Name extends keyof Settings>(name: Name): Settings[Name] => current[name],
  set<Name extends keyof Settings>(name: Name, value: Settings[Name]): void {
    current = { ...current, [name]: value };
    try {
      localStorage.setItem(key, JSON.stringify(current));
    } catch {
      // Without storage the choice still applies until the page is closed.
    }
    applyTheme();
  },
};

/** Sets `data-theme` for the style sheets; without it they follow the preference of the system. */
export function applyTheme(): void {
  if (current.theme === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = current.theme;
}

export function isDark(): boolean {
  if (current.theme !== "system") return current.theme === "dark";
  return matchMedia("(prefers-color-scheme: dark)").matches;
}
