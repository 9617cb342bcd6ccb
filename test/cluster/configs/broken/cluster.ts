// Ten errors, in five files.
export default {
  name: "",
  bus: { router: "http://localhost", relm: "x" },
  lease: "15 seconds",
  database: "sqlite:state/x.sqlite",
  scheduler: () => import("./scheduler.ts"),
  builders: { all: () => import("./builders.ts") },
  workers: () => import("./workers.ts"),
  ui: () => import("./ui.ts"),
};
