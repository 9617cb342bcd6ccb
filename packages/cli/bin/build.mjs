// `npm run build`: compiles the program and bundles the browser app, so that this checkout can run as a release.
import { build, buildWebApp, bundleProgram, exitCodeOf, installDependencies } from "./prepare.mjs";

process.exitCode = await exitCodeOf(() => {
  installDependencies();
  build();
  bundleProgram();
  buildWebApp();
  return 0;
});
