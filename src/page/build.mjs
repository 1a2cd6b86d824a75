// Builds the bundle: page.js, worker.js, page.css and index.html, the same bytes from the same sources.
// `node build.mjs [FOLDER]`; by default into the package, where the server finds them.
import { cp, mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const out = process.argv[2] ?? join(here, "../poseflow/server/static");

await mkdir(out, { recursive: true });
await build({
  absWorkingDir: here,
  entryPoints: { page: "source/main.tsx", worker: "source/player/worker.ts" },
  outdir: out,
  bundle: true,
  minify: true,
  format: "esm",
  target: ["chrome110", "firefox115", "safari17"],
  jsx: "automatic",
  jsxImportSource: "preact",
  charset: "utf8",
  legalComments: "none",
  banner: {
    js: "/* Built from src/page by `make page`. Holds Preact and its signals (MIT licence, © Jason Miller). */",
  },
  logLevel: "warning",
});
await build({ absWorkingDir: here, entryPoints: ["page.css"], outdir: out, minify: true, logLevel: "warning" });
for (const name of ["index.html", "icon.svg"]) await cp(join(here, name), join(out, name));
