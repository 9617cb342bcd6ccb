import type { ComponentType } from "preact";
import { matchRoute } from "./match-route.ts";
import { AuditPage } from "./pages/audit.tsx";
import { BranchPage } from "./pages/branch.tsx";
import { BuildPage } from "./pages/build.tsx";
import { BuildById } from "./pages/build-by-id.tsx";
import { BuilderPage } from "./pages/builder.tsx";
import { BuildersPage } from "./pages/builders.tsx";
import { ChangePage } from "./pages/change.tsx";
import { ChangesPage } from "./pages/changes.tsx";
import { ClusterPage } from "./pages/cluster.tsx";
import { CommitPage } from "./pages/commit.tsx";
import { FailingPage } from "./pages/failing.tsx";
import { HomePage } from "./pages/home.tsx";
import { InstancesPage } from "./pages/instances.tsx";
import { LocksPage } from "./pages/locks.tsx";
import { ConsolePage, GridPage } from "./pages/matrix.tsx";
import { NotFoundPage } from "./pages/not-found.tsx";
import { PullPage } from "./pages/pull.tsx";
import { QueuePage } from "./pages/queue.tsx";
import { ReportsPage } from "./pages/reports.tsx";
import { RequestPage } from "./pages/request.tsx";
import { SchedulersPage } from "./pages/schedulers.tsx";
import { SettingsPage } from "./pages/settings.tsx";
import { TestPage } from "./pages/test.tsx";
import { TestsPage } from "./pages/tests.tsx";
import { TimelinePage } from "./pages/timeline.tsx";
import { WorkerPage } from "./pages/worker.tsx";
import { WorkerAccountsPage } from "./pages/worker-accounts.tsx";
import { WorkersPage } from "./pages/workers.tsx";
import { usePlace } from "./router.ts";
import { Shell } from "./shell/shell.tsx";

type Params = Readonly<Record<string, string>>;

const routes: readonly [pattern: string, page: ComponentType<{ params: Params }>][] = [
  ["/", HomePage],
  ["/failing", FailingPage],
  ["/builders", BuildersPage],
  ["/builders/:builder", BuilderPage],
  ["/builders/:builder/builds/:number", BuildPage],
  ["/builders/:builder/builds/:number/steps/:step", BuildPage],
  ["/builders/:builder/builds/:number/steps/:step/logs/:log", BuildPage],
  ["/builds/:build", BuildById],
  ["/buildrequests/:request", RequestPage],
  ["/changes", ChangesPage],
  ["/changes/:change", ChangePage],
  ["/commits/:revision", CommitPage],
  ["/branches/:branch*", BranchPage],
  ["/pulls/:number", PullPage],
  ["/console", ConsolePage],
  ["/grid", GridPage],
  ["/timeline", TimelinePage],
  ["/waterfall", TimelinePage],
  ["/queue", QueuePage],
  ["/locks", LocksPage],
  ["/reports", ReportsPage],
  ["/instances", InstancesPage],
  ["/worker-accounts", WorkerAccountsPage],
  ["/workers", WorkersPage],
  ["/workers/:worker", WorkerPage],
  ["/cluster", ClusterPage],
  ["/masters", ClusterPage],
  ["/schedulers", SchedulersPage],
  ["/tests", TestsPage],
  ["/tests/:test", TestPage],
  ["/audit", AuditPage],
  ["/settings", SettingsPage],
];

export function App() {
  const { path } = usePlace();
  return <Shell path={path}>{renderPage(path)}</Shell>;
}

function renderPage(path: string) {
  for (const [pattern, Page] of routes) {
    const params = matchRoute(pattern, path);
    if (params) return <Page params={params} />;
  }
  return <NotFoundPage what={`There is no page at ${path}.`} />;
}
