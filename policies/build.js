/* global require, exports, __dirname, __filename, process */
/* eslint-disable @typescript-eslint/no-require-imports -- the engine require()s a pack, so this is CommonJS */
const { createHash } = require("node:crypto");
const fs = require("node:fs");
const path = require("node:path");

const SOURCES = path.join(__dirname, "src");
const OUTPUT = path.join(__dirname, "dist", "index.js");

exports.buildPolicies = function buildPolicies() {
  const banner = `// compiled from sources ${sourcesHash()}\n`;
  if (fs.existsSync(OUTPUT) && fs.readFileSync(OUTPUT, "utf8").startsWith(banner)) return false;
  const { outputFiles } = require("esbuild").buildSync({
    entryPoints: [path.join(SOURCES, "index.ts")],
    bundle: true,
    write: false,
    platform: "node",
    target: "node20",
    format: "cjs",
    external: ["@pulumi/*"],
    logLevel: "silent",
  });
  fs.mkdirSync(path.dirname(OUTPUT), { recursive: true });
  // two engines may start at once: the file appears whole
  const staging = `${OUTPUT}.${process.pid}`;
  fs.writeFileSync(staging, banner + outputFiles[0].text);
  fs.renameSync(staging, OUTPUT);
  return true;
};

/** Over everything that decides what comes out: this file, and the names and bytes of the sources. */
function sourcesHash() {
  const hash = createHash("sha256").update(fs.readFileSync(__filename));
  for (const file of fs.readdirSync(SOURCES, { recursive: true, encoding: "utf8" }).sort()) {
    if (!file.endsWith(".ts")) continue;
    const bytes = fs.readFileSync(path.join(SOURCES, file));
    hash.update(`\0${file}\0${bytes.length}\0`).update(bytes);
  }
  return hash.digest("hex");
}
